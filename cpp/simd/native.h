// The registers of the instruction set that this translation unit is compiled for: native<T> wraps one register of T,
// flags<bytes> one register of comparison results for lanes of that many bytes. The only place where instruction sets
// differ; vec.h builds everything else from these. No function here may give different bits than its neighbours.
#pragma once
#if !defined(__CUDACC_RTC__)
#include <stddef.h>
#include <stdint.h>
#endif

// PT_FN: every function of a kernel. PT_RARE: one that is called for few arguments and not inlined. PT_PLAIN(fmaf): the
// function of C. PT_NUMBERS(T, name, ...): a table of constants within a struct or a function; PT_TABLE: one outside.
#if defined(__CUDACC__)
#pragma nv_diag_suppress 68, 177, 186  // formulas compare and convert integers of both kinds
#define PT_FN __device__ __forceinline__
#define PT_RARE static __device__ __noinline__
#define PT_PLAIN(name) ::name
#define PT_UNROLL _Pragma("unroll")
#define PT_UNROLL_LONG _Pragma("unroll")
// A table is no object that a device could address: its numbers are arguments of a type.
#define PT_NUMBERS(T, name, ...) \
  static constexpr pt::numbers<__VA_ARGS__> name {}
#define PT_TABLE static __device__ const
namespace pt {
template <auto... kNumbers>
struct numbers {};
}  // namespace pt
#else
#define PT_FN inline __attribute__((always_inline))
#define PT_RARE inline
#define PT_PLAIN(name) __builtin_##name
#define PT_UNROLL _Pragma("GCC unroll 8")
#define PT_UNROLL_LONG _Pragma("GCC unroll 24")
#define PT_NUMBERS(T, name, ...) static constexpr T name[] = {__VA_ARGS__}
#define PT_TABLE constexpr
#endif
#if (defined(__CUDACC__) || defined(PT_CUDA_SIM)) && !defined(PT_ISA)
#define PT_ISA isa_cuda  // one lane for a thread
#define PT_ISA_cuda 1
#endif

namespace pt {
namespace PT_ISA {

// Storage types: arithmetic happens in float.
struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};

template <class T>
struct native;
template <int kBytes>
struct flags;

template <class To, class From>
PT_FN To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  PT_PLAIN(memcpy)(&to, &from, sizeof(to));
  return to;
}

// Of a number that is not 0.
PT_FN int leading_zeros(uint64_t x) {
#if defined(__CUDACC__)
  return __clzll(int64_t(x));
#else
  return __builtin_clzll(x);
#endif
}

// The upper half of a product.
PT_FN uint64_t high_product(uint64_t a, uint64_t b) {
#if defined(__CUDACC__)
  return __umul64hi(a, b);
#else
  return uint64_t((unsigned __int128)a * b >> 64);
#endif
}

}  // namespace PT_ISA
}  // namespace pt

#include "simd/half.h"

#if defined(PT_ISA_avx512)
#include "simd/native_avx512.h"
#elif defined(PT_ISA_avx2)
#include "simd/native_avx2.h"
#elif defined(PT_ISA_neon)
#include "simd/native_neon.h"
#else
#include "simd/native_generic.h"
#endif
