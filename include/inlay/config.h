/* config.h - compile-time switches; every one can be set on the compiler's command line.
 *
 * INLAY_WITH_PCRE2    1: pre-tokenizer patterns run in PCRE2. 0: nothing to link; vocabularies
 * whose pattern is not one of the few that are written by hand (those of GPT-2, Llama 3, Qwen2,
 * GPT-4o, Tekken) are refused with INLAY_ERROR_UNSUPPORTED. INLAY_WITH_UTF8PROC 1: Unicode
 * normalization by utf8proc. 0: vocabularies that ask for it are refused. INLAY_WITH_THREADS  1:
 * the built-in worker threads exist. 0: the caller's thread or host jobs only. INLAY_API how public
 * symbols are exported; follows INLAY_SHARED and INLAY_BUILDING.
 */
#ifndef INLAY_CONFIG_H
#define INLAY_CONFIG_H

#if defined(INLAY_USER_CONFIG)
#include INLAY_USER_CONFIG
#endif

#ifndef INLAY_WITH_PCRE2
#define INLAY_WITH_PCRE2 1
#endif

#ifndef INLAY_WITH_UTF8PROC
#define INLAY_WITH_UTF8PROC 1
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
