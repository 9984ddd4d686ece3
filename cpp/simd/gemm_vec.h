// The native register of each instruction set, for matrix products: a product wants as many accumulators as the
// machine has registers, where vec<T, 16> fixes the lanes. Also square transposes for packing.
#pragma once
#include <stdint.h>

#include "simd/native.h"

namespace pt {
namespace PT_ISA {

// Register<T>: kLanes values. `first` loads and stores touch only the first n lanes; the loaded rest is zero. Where
// lanes hold pairs of bf16 as the bits of a float, first_of_pairs and second_of_pairs widen one of the two.
template <class T>
struct Register;

#if defined(PT_ISA_avx512)

// 28 accumulators of the 32 registers: the rest hold a row of B and the broadcast element of A.
inline constexpr int kAccumulators = 28;
inline constexpr int kTileRows = 14;
inline constexpr int kTileVectors = 2;

#if defined(PT_EMULATE_AVX512)
// SIMDe emulates masked accesses with whole ones: it reads past the end, and stores zeros there.
inline __m512 load_masked(const float* p, int n) {
  float t[16] = {};
  for (int i = 0; i < n; ++i) t[i] = p[i];
  return _mm512_loadu_ps(t);
}
inline __m512d load_masked(const double* p, int n) {
  double t[8] = {};
  for (int i = 0; i < n; ++i) t[i] = p[i];
  return _mm512_loadu_pd(t);
}
inline void store_masked(float* p, int n, __m512 v) {
  float t[16];
  _mm512_storeu_ps(t, v);
  for (int i = 0; i < n; ++i) p[i] = t[i];
}
inline void store_masked(double* p, int n, __m512d v) {
  double t[8];
  _mm512_storeu_pd(t, v);
  for (int i = 0; i < n; ++i) p[i] = t[i];
}
#else
inline __mmask16 first_of_16(int n) { return static_cast<__mmask16>((1u << n) - 1); }
inline __mmask8 first_of_8(int n) { return static_cast<__mmask8>((1u << n) - 1); }
inline __m512 load_masked(const float* p, int n) { return _mm512_maskz_loadu_ps(first_of_16(n), p); }
inline __m512d load_masked(const double* p, int n) { return _mm512_maskz_loadu_pd(first_of_8(n), p); }
inline void store_masked(float* p, int n, __m512 v) { _mm512_mask_storeu_ps(p, first_of_16(n), v); }
inline void store_masked(double* p, int n, __m512d v) { _mm512_mask_storeu_pd(p, first_of_8(n), v); }
#endif

template <>
struct Register<float> {
  static constexpr int kLanes = 16;
  __m512 v;
  static Register zero() { return {_mm512_setzero_ps()}; }
  static Register load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Register load_first(const float* p, int n) { return {load_masked(p, n)}; }
  static Register broadcast(const float* p) { return {_mm512_set1_ps(*p)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store_first(float* p, int n) const { store_masked(p, n, v); }
};
inline Register<float> fma(Register<float> a, Register<float> b, Register<float> c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline Register<float> operator+(Register<float> a, Register<float> b) { return {_mm512_add_ps(a.v, b.v)}; }

template <>
struct Register<double> {
  static constexpr int kLanes = 8;
  __m512d v;
  static Register zero() { return {_mm512_setzero_pd()}; }
  static Register load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static Register load_first(const double* p, int n) { return {load_masked(p, n)}; }
  static Register broadcast(const double* p) { return {_mm512_set1_pd(*p)}; }
  void store(double* p) const { _mm512_storeu_pd(p, v); }
  void store_first(double* p, int n) const { store_masked(p, n, v); }
};
inline Register<double> fma(Register<double> a, Register<double> b, Register<double> c) {
  return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
inline Register<double> operator+(Register<double> a, Register<double> b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Register<float> first_of_pairs(Register<float> a) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a.v), 16))};
}
inline Register<float> second_of_pairs(Register<float> a) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a.v), upper))};
}

// Without this the compiler folds the broadcast into each multiply-add, and loads become the limit.
template <class T>
inline Register<T> broadcast_once(const T* p) {
  Register<T> r = Register<T>::broadcast(p);
#if !defined(PT_EMULATE_AVX512)
  asm("" : "+v"(r.v));
#endif
  return r;
}

// The processor's own products of bf16 pairs. Only a function for such processors may call it, which the plan chooses.
#if !defined(PT_EMULATE_AVX512)
inline constexpr bool kHasPairs = true;
#define PT_FOR_PAIRS __attribute__((target("avx512bf16")))
PT_FOR_PAIRS inline Register<float> add_pairs(Register<float> a, Register<float> b, Register<float> c) {
  return {_mm512_dpbf16_ps(c.v, (__m512bh)a.v, (__m512bh)b.v)};
}
#endif

#elif defined(PT_ISA_avx2)

inline constexpr int kAccumulators = 12;
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 2;

// Loading at offset lanes - n gives a mask of the first n lanes.
static const int32_t kMask32[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
static const int64_t kMask64[8] = {-1, -1, -1, -1, 0, 0, 0, 0};

template <>
struct Register<float> {
  static constexpr int kLanes = 8;
  __m256 v;
  static Register zero() { return {_mm256_setzero_ps()}; }
  static Register load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Register load_first(const float* p, int n) { return {_mm256_maskload_ps(p, mask(n))}; }
  static Register broadcast(const float* p) { return {_mm256_broadcast_ss(p)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  // Not a masked store: on AMD that takes tens of cycles.
  void store_first(float* p, int n) const {
    if (n == kLanes) return store(p);
    __m128 part = _mm256_castps256_ps128(v);
    if (n & 4) {
      _mm_storeu_ps(p, part);
      part = _mm256_extractf128_ps(v, 1);
      p += 4;
    }
    if (n & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
      part = _mm_movehl_ps(part, part);
      p += 2;
    }
    if (n & 1) _mm_store_ss(p, part);
  }
  static __m256i mask(int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask32 + 8 - n)); }
};
inline Register<float> fma(Register<float> a, Register<float> b, Register<float> c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
inline Register<float> operator+(Register<float> a, Register<float> b) { return {_mm256_add_ps(a.v, b.v)}; }

template <>
struct Register<double> {
  static constexpr int kLanes = 4;
  __m256d v;
  static Register zero() { return {_mm256_setzero_pd()}; }
  static Register load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static Register load_first(const double* p, int n) { return {_mm256_maskload_pd(p, mask(n))}; }
  static Register broadcast(const double* p) { return {_mm256_broadcast_sd(p)}; }
  void store(double* p) const { _mm256_storeu_pd(p, v); }
  void store_first(double* p, int n) const {
    if (n == kLanes) return store(p);
    __m128d part = _mm256_castpd256_pd128(v);
    if (n & 2) {
      _mm_storeu_pd(p, part);
      part = _mm256_extractf128_pd(v, 1);
      p += 2;
    }
    if (n & 1) _mm_store_sd(p, part);
  }
  static __m256i mask(int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask64 + 4 - n)); }
};
inline Register<double> fma(Register<double> a, Register<double> b, Register<double> c) {
  return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
inline Register<double> operator+(Register<double> a, Register<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
inline Register<float> first_of_pairs(Register<float> a) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a.v), 16))};
}
inline Register<float> second_of_pairs(Register<float> a) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
  return {_mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(a.v), upper))};
}

template <class T>
inline Register<T> broadcast_once(const T* p) {
  return Register<T>::broadcast(p);
}

#elif defined(PT_ISA_neon)

inline constexpr int kAccumulators = 24;
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 4;

template <>
struct Register<float> {
  static constexpr int kLanes = 4;
  float32x4_t v;
  static Register zero() { return {vdupq_n_f32(0)}; }
  static Register load(const float* p) { return {vld1q_f32(p)}; }
  static Register load_first(const float* p, int n) {
    float t[kLanes] = {};
    for (int i = 0; i < n; ++i) t[i] = p[i];
    return load(t);
  }
  static Register broadcast(const float* p) { return {vld1q_dup_f32(p)}; }
  void store(float* p) const { vst1q_f32(p, v); }
  void store_first(float* p, int n) const {
    float t[kLanes];
    store(t);
    for (int i = 0; i < n; ++i) p[i] = t[i];
  }
};
inline Register<float> fma(Register<float> a, Register<float> b, Register<float> c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
inline Register<float> operator+(Register<float> a, Register<float> b) { return {vaddq_f32(a.v, b.v)}; }

template <>
struct Register<double> {
  static constexpr int kLanes = 2;
  float64x2_t v;
  static Register zero() { return {vdupq_n_f64(0)}; }
  static Register load(const double* p) { return {vld1q_f64(p)}; }
  static Register load_first(const double* p, int n) {
    double t[kLanes] = {};
    for (int i = 0; i < n; ++i) t[i] = p[i];
    return load(t);
  }
  static Register broadcast(const double* p) { return {vld1q_dup_f64(p)}; }
  void store(double* p) const { vst1q_f64(p, v); }
  void store_first(double* p, int n) const {
    double t[kLanes];
    store(t);
    for (int i = 0; i < n; ++i) p[i] = t[i];
  }
};
inline Register<double> fma(Register<double> a, Register<double> b, Register<double> c) {
  return {vfmaq_f64(c.v, a.v, b.v)};
}
inline Register<double> operator+(Register<double> a, Register<double> b) { return {vaddq_f64(a.v, b.v)}; }
inline Register<float> first_of_pairs(Register<float> a) {
  return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(a.v), 16))};
}
inline Register<float> second_of_pairs(Register<float> a) {
  return {vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a.v), vdupq_n_u32(0xffff0000u)))};
}

template <class T>
inline Register<T> broadcast_once(const T* p) {
  return Register<T>::broadcast(p);
}

#else  // generic: the oracle, one element at a time

inline constexpr int kAccumulators = 8;
inline constexpr int kTileRows = 4;
inline constexpr int kTileVectors = 2;

inline float fma_scalar(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fma_scalar(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class T>
struct Register {
  static constexpr int kLanes = 4;
  T v[kLanes];
  static Register zero() { return {}; }
  static Register load(const T* p) { return load_first(p, kLanes); }
  static Register load_first(const T* p, int n) {
    Register r = {};
    for (int i = 0; i < n; ++i) r.v[i] = p[i];
    return r;
  }
  static Register broadcast(const T* p) { return {*p, *p, *p, *p}; }
  void store(T* p) const { store_first(p, kLanes); }
  void store_first(T* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = v[i];
  }
};
template <class T>
inline Register<T> fma(Register<T> a, Register<T> b, Register<T> c) {
  Register<T> r;
  for (int i = 0; i < Register<T>::kLanes; ++i) r.v[i] = fma_scalar(a.v[i], b.v[i], c.v[i]);
  return r;
}
template <class T>
inline Register<T> operator+(Register<T> a, Register<T> b) {
  Register<T> r;
  for (int i = 0; i < Register<T>::kLanes; ++i) r.v[i] = a.v[i] + b.v[i];
  return r;
}
inline Register<float> first_of_pairs(Register<float> a) {
  for (float& lane : a.v) lane = bit_cast<float>(bit_cast<uint32_t>(lane) << 16);
  return a;
}
inline Register<float> second_of_pairs(Register<float> a) {
  for (float& lane : a.v) lane = bit_cast<float>(bit_cast<uint32_t>(lane) & 0xffff0000u);
  return a;
}
template <class T>
inline Register<T> broadcast_once(const T* p) {
  return Register<T>::broadcast(p);
}

#endif

#if !defined(PT_FOR_PAIRS)
inline constexpr bool kHasPairs = false;
#define PT_FOR_PAIRS
inline Register<float> add_pairs(Register<float>, Register<float>, Register<float> c) { return c; }  // never called
#endif

// kLanes values as they are stored; those of f16 and bf16 are widened.
inline Register<float> load_wide(const float* p) { return Register<float>::load(p); }
inline Register<double> load_wide(const double* p) { return Register<double>::load(p); }
template <class Half>
inline Register<float> load_wide(const Half* p) {
  if constexpr (native<float>::lanes == Register<float>::kLanes) {
    return {native<float>::load_half(p)};
  } else {
    Register<float> r;
    for (int i = 0; i < Register<float>::kLanes; ++i) r.v[i] = native<float>::load_half(p + i);
    return r;
  }
}

// n, up to whole registers.
template <class T>
inline int64_t whole_vectors(int64_t n) {
  constexpr int kLanes = Register<T>::kLanes;
  return (n + kLanes - 1) / kLanes * kLanes;
}

// Transposes the kSquare x kSquare block at src (rows src_row apart) into dst, rows of dst in ascending order. Of src
// only the first Rows are read; what rows of dst hold behind so many elements is unspecified.
#if defined(PT_ISA_avx512) || defined(PT_ISA_avx2)
template <class T>
inline constexpr int kSquare = 32 / sizeof(T);

template <int Rows = 8>
inline void transpose_square(const float* src, int64_t src_row, float* dst, int64_t dst_row) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; ++i) r[i] = i < Rows ? _mm256_loadu_ps(src + i * src_row) : r[0];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) _mm256_storeu_ps(dst + i * dst_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
  for (int i = 0; i < 4; ++i) _mm256_storeu_ps(dst + (i + 4) * dst_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
}

template <int Rows = 4>
inline void transpose_square(const double* src, int64_t src_row, double* dst, int64_t dst_row) {
  __m256d r[4], t[4];
  for (int i = 0; i < 4; ++i) r[i] = i < Rows ? _mm256_loadu_pd(src + i * src_row) : r[0];
  for (int i = 0; i < 4; i += 2) {
    t[i] = _mm256_unpacklo_pd(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_pd(r[i], r[i + 1]);
  }
  for (int i = 0; i < 2; ++i) _mm256_storeu_pd(dst + i * dst_row, _mm256_permute2f128_pd(t[i], t[i + 2], 0x20));
  for (int i = 0; i < 2; ++i) _mm256_storeu_pd(dst + (i + 2) * dst_row, _mm256_permute2f128_pd(t[i], t[i + 2], 0x31));
}
#else
template <class T>
inline constexpr int kSquare = 4;

template <int Rows = 4, class T>
inline void transpose_square(const T* src, int64_t src_row, T* dst, int64_t dst_row) {
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < kSquare<T>; ++j) dst[j * dst_row + i] = src[i * src_row + j];
}
#endif

}  // namespace PT_ISA
}  // namespace pt
