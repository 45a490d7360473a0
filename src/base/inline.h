// inline.h - the mark of functions that must disappear into their caller.
#pragma once

// Words of the vector vocabularies and helpers of the instruction set units: a call left over would
// be slow, and a weak symbol compiled for one instruction set could be linked into code for
// another.
#if defined(__GNUC__) || defined(__clang__)
#define INLAY_FORCE_INLINE inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define INLAY_FORCE_INLINE __forceinline
#else
#define INLAY_FORCE_INLINE inline
#endif

// Before a loop whose count is a constant: its arrays of vectors become registers.
#if defined(__clang__)
#define INLAY_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define INLAY_UNROLL _Pragma("GCC unroll 16")
#else
#define INLAY_UNROLL
#endif

// Memory that is read soon may come meanwhile; any address will do.
#if defined(__GNUC__) || defined(__clang__)
#define INLAY_PREFETCH(address) __builtin_prefetch(address)
#else
#define INLAY_PREFETCH(address) static_cast<void>(address)
#endif

// After the parameters of a lambda that must be inlined.
#if defined(__GNUC__)
#define INLAY_LAMBDA_INLINE __attribute__((always_inline))
#else
#define INLAY_LAMBDA_INLINE
#endif
