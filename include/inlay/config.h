/* config.h - compile-time switches; every one can be set on the compiler's command line.
 *
 * INLAY_WITH_PCRE2    1: byte-level BPE vocabularies work (their pre-tokenizer patterns run in
 * PCRE2). 0: such a vocabulary is refused with INLAY_ERROR_UNSUPPORTED; nothing to link.
 * INLAY_WITH_THREADS  1: the built-in worker threads exist. 0: the caller's thread or host jobs
 * only. INLAY_API           how public symbols are exported; follows INLAY_SHARED and
 * INLAY_BUILDING.
 */
#ifndef INLAY_CONFIG_H
#define INLAY_CONFIG_H

#if defined(INLAY_USER_CONFIG)
#include INLAY_USER_CONFIG
#endif

#ifndef INLAY_WITH_PCRE2
#define INLAY_WITH_PCRE2 1
#endif

#ifndef INLAY_WITH_THREADS
#define INLAY_WITH_THREADS 1
#endif

#ifndef INLAY_API
#if defined(_WIN32) && defined(INLAY_SHARED)
#if defined(INLAY_BUILDING)
#define INLAY_API __declspec(dllexport)
#else
#define INLAY_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define INLAY_API __attribute__((visibility("default")))
#else
#define INLAY_API
#endif
#endif

#endif /* INLAY_CONFIG_H */
