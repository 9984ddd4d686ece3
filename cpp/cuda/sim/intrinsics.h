// Functions of CUDA that are no barriers and touch no memory.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

namespace pt::cuda::sim {
template <class To, class From>
inline To bits_of(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}
}  // namespace pt::cuda::sim

inline int __float_as_int(float x) { return pt::cuda::sim::bits_of<int>(x); }
inline unsigned __float_as_uint(float x) { return pt::cuda::sim::bits_of<unsigned>(x); }
inline float __int_as_float(int x) { return pt::cuda::sim::bits_of<float>(x); }
inline float __uint_as_float(unsigned x) { return pt::cuda::sim::bits_of<float>(x); }
inline long long __double_as_longlong(double x) { return pt::cuda::sim::bits_of<long long>(x); }
inline double __longlong_as_double(long long x) { return pt::cuda::sim::bits_of<double>(x); }

// Without contraction, plain operators round once each.
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }

// Out of range saturates, and NaN is 0 (32 bits) or the least number (64 bits), as on the device.
namespace pt::cuda::sim {
inline int saturated_int(float x) {
  return x != x ? 0 : x >= 2147483648.0f ? INT32_MAX : x < -2147483648.0f ? INT32_MIN : static_cast<int>(x);
}
inline int saturated_int(double x) {
  return x != x ? 0 : x >= 2147483647.0 ? INT32_MAX : x <= -2147483648.0 ? INT32_MIN : static_cast<int>(x);
}
inline long long saturated_long(double x) {
  return x != x                       ? INT64_MIN
         : x >= 9223372036854775808.0 ? INT64_MAX
         : x < -9223372036854775808.0 ? INT64_MIN
                                      : static_cast<long long>(x);
}
}  // namespace pt::cuda::sim
inline int __float2int_rz(float x) { return pt::cuda::sim::saturated_int(x); }
inline int __float2int_rn(float x) { return pt::cuda::sim::saturated_int(nearbyintf(x)); }
inline int __double2int_rz(double x) { return pt::cuda::sim::saturated_int(x); }
inline int __double2int_rn(double x) { return pt::cuda::sim::saturated_int(nearbyint(x)); }
inline long long __float2ll_rz(float x) { return pt::cuda::sim::saturated_long(x); }
inline long long __float2ll_rn(float x) { return pt::cuda::sim::saturated_long(nearbyintf(x)); }
inline long long __double2ll_rz(double x) { return pt::cuda::sim::saturated_long(x); }
inline long long __double2ll_rn(double x) { return pt::cuda::sim::saturated_long(nearbyint(x)); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
inline double __ll2double_rn(long long x) { return static_cast<double>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }

inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (x >> i & 1u) << (31 - i);
  return reversed;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((uint64_t{a} * b) >> 32); }
inline int __mulhi(int a, int b) { return static_cast<int>((int64_t{a} * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((((uint64_t{high} << 32) | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((uint64_t{high} << 32) | low) >> (shift & 31));
}
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  const uint64_t bytes = (uint64_t{b} << 32) | a;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned pick = selector >> (4 * i) & 0xf;
    unsigned byte = static_cast<unsigned>(bytes >> (8 * (pick & 7)) & 0xff);
    if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

template <class T>
inline T __ldg(const T* address) {
  return *address;
}
template <class T>
inline T __ldcs(const T* address) {
  return *address;
}
template <class T>
inline T __ldcg(const T* address) {
  return *address;
}
template <class T>
inline void __stcs(T* address, T value) {
  *address = value;
}
template <class T>
inline void __stcg(T* address, T value) {
  *address = value;
}

#define PT_SIM_MIN_MAX(type)                                          \
  inline constexpr type min(type a, type b) { return b < a ? b : a; } \
  inline constexpr type max(type a, type b) { return a < b ? b : a; }
PT_SIM_MIN_MAX(int)
PT_SIM_MIN_MAX(unsigned int)
PT_SIM_MIN_MAX(long)
PT_SIM_MIN_MAX(unsigned long)
PT_SIM_MIN_MAX(long long)
PT_SIM_MIN_MAX(unsigned long long)
#undef PT_SIM_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
