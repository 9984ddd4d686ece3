// Rows that become columns, and neighbours that part. Elements are moved, never computed with, so that integers may
// travel as floats.
#pragma once
#include "simd/gemm_vec.h"

namespace pt {
namespace PT_ISA {

// As what elements travel: as themselves where a register turns nothing.
template <class T, int kBytes = sizeof(T)>
struct traveller {
  using type = T;
};
#if defined(PT_ISA_avx512) || defined(PT_ISA_avx2)
template <class T>
struct traveller<T, 4> {
  using type = float;
};
template <class T>
struct traveller<T, 8> {
  using type = double;
};
#endif

// The elements of even and of odd places among 32 neighbours.
template <class T>
PT_FN void part_neighbours(const T* p, T* even, T* odd) {
#if defined(PT_ISA_avx512)
  if constexpr (sizeof(T) == 4) {
    alignas(64) static constexpr int32_t kEven[16] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
    const __m512i places = _mm512_loadu_si512(kEven), next = _mm512_add_epi32(places, _mm512_set1_epi32(1));
    const auto* from = reinterpret_cast<const float*>(p);
    const __m512 a = _mm512_loadu_ps(from), b = _mm512_loadu_ps(from + 16);
    _mm512_storeu_ps(reinterpret_cast<float*>(even), _mm512_permutex2var_ps(a, places, b));
    _mm512_storeu_ps(reinterpret_cast<float*>(odd), _mm512_permutex2var_ps(a, next, b));
    return;
  }
#endif
  for (int i = 0; i < 16; ++i) {
    even[i] = p[2 * i];
    odd[i] = p[2 * i + 1];
  }
}

// Of 16 rows, whose first n elements alone are read, the columns, 16 elements each and to_row apart: kTurnedAtOnce.
#if defined(PT_ISA_avx512)
template <class F>
inline constexpr int kTurnedAtOnce = native<F>::lanes;

PT_FN void turn_block(const float* rows, int64_t row_stride, int64_t n, float* to, int64_t to_row) {
  __m512 r[16], t[16];
  PT_UNROLL_LONG for (int i = 0; i < 16; ++i) r[i] = native<float>::load_n(rows + i * row_stride, n);
  PT_UNROLL for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  const auto low = [](__m512 a, __m512 b) {
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
  };
  const auto high = [](__m512 a, __m512 b) {
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
  };
  PT_UNROLL for (int i = 0; i < 16; i += 4) {
    r[i] = low(t[i], t[i + 2]);
    r[i + 1] = high(t[i], t[i + 2]);
    r[i + 2] = low(t[i + 1], t[i + 3]);
    r[i + 3] = high(t[i + 1], t[i + 3]);
  }
  PT_UNROLL for (int c = 0; c < 4; ++c) {
    t[c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88);
    t[4 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88);
    t[8 + c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd);
    t[12 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
  }
  PT_UNROLL for (int c = 0; c < 4; ++c) {
    _mm512_storeu_ps(to + c * to_row, _mm512_shuffle_f32x4(t[c], t[4 + c], 0x88));
    _mm512_storeu_ps(to + (4 + c) * to_row, _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0x88));
    _mm512_storeu_ps(to + (8 + c) * to_row, _mm512_shuffle_f32x4(t[c], t[4 + c], 0xdd));
    _mm512_storeu_ps(to + (12 + c) * to_row, _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0xdd));
  }
}
PT_FN void turn_half(const double* rows, int64_t row_stride, int64_t n, double* to, int64_t to_row) {
  __m512d r[8], t[8];
  PT_UNROLL for (int i = 0; i < 8; ++i) r[i] = native<double>::load_n(rows + i * row_stride, n);
  PT_UNROLL for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
  }
  PT_UNROLL for (int c = 0; c < 2; ++c) {
    const __m512d even = _mm512_shuffle_f64x2(t[c], t[2 + c], 0x88);
    const __m512d even_below = _mm512_shuffle_f64x2(t[4 + c], t[6 + c], 0x88);
    const __m512d odd = _mm512_shuffle_f64x2(t[c], t[2 + c], 0xdd);
    const __m512d odd_below = _mm512_shuffle_f64x2(t[4 + c], t[6 + c], 0xdd);
    _mm512_storeu_pd(to + c * to_row, _mm512_shuffle_f64x2(even, even_below, 0x88));
    _mm512_storeu_pd(to + (2 + c) * to_row, _mm512_shuffle_f64x2(odd, odd_below, 0x88));
    _mm512_storeu_pd(to + (4 + c) * to_row, _mm512_shuffle_f64x2(even, even_below, 0xdd));
    _mm512_storeu_pd(to + (6 + c) * to_row, _mm512_shuffle_f64x2(odd, odd_below, 0xdd));
  }
}
PT_FN void turn_block(const double* rows, int64_t row_stride, int64_t n, double* to, int64_t to_row) {
  turn_half(rows, row_stride, n, to, to_row);
  turn_half(rows + 8 * row_stride, row_stride, n, to + 8, to_row);
}
#else
template <class F>
inline constexpr int kTurnedAtOnce = kSquare<F>;

// Transposes the kSquare x kSquare block at src as transpose_square does, of which every row has but n elements: what
// is behind them is not read, and 0 is written for it.
#if defined(PT_ISA_avx2)
PT_FN void transpose_part(const float* src, int64_t src_row, int64_t n, float* dst, int64_t dst_row) {
  alignas(32) static constexpr int32_t kGiven[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const __m256i given = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kGiven + 8 - n));
  alignas(32) float rows[8][8];
  PT_UNROLL for (int i = 0; i < 8; ++i) _mm256_store_ps(rows[i], _mm256_maskload_ps(src + i * src_row, given));
  transpose_square(rows[0], 8, dst, dst_row);
}
PT_FN void transpose_part(const double* src, int64_t src_row, int64_t n, double* dst, int64_t dst_row) {
  alignas(32) static constexpr int64_t kGiven[8] = {-1, -1, -1, -1};
  const __m256i given = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kGiven + 4 - n));
  alignas(32) double rows[4][4];
  PT_UNROLL for (int i = 0; i < 4; ++i) _mm256_store_pd(rows[i], _mm256_maskload_pd(src + i * src_row, given));
  transpose_square(rows[0], 4, dst, dst_row);
}
#else
template <class T>
PT_FN void transpose_part(const T* src, int64_t src_row, int64_t n, T* dst, int64_t dst_row) {
  for (int i = 0; i < kSquare<T>; ++i)
    for (int j = 0; j < kSquare<T>; ++j) dst[j * dst_row + i] = j < n ? src[i * src_row + j] : T(0);
}
#endif

template <class F>
PT_FN void turn_block(const F* rows, int64_t row_stride, int64_t n, F* to, int64_t to_row) {
  constexpr int kSide = kSquare<F>;
  for (int64_t i = 0; i < 16; i += kSide) {
    if (n >= kSide)
      transpose_square(rows + i * row_stride, row_stride, to + i, to_row);
    else
      transpose_part(rows + i * row_stride, row_stride, n, to + i, to_row);
  }
}
#endif

// A square of 16 elements a side.
template <class T>
PT_FN void turn_square(const T* src, int64_t src_row, T* dst, int64_t dst_row) {
  using F = typename traveller<T>::type;
  for (int64_t j = 0; j < 16; j += kTurnedAtOnce<F>)
    turn_block(reinterpret_cast<const F*>(src + j), src_row, 16 - j, reinterpret_cast<F*>(dst + j * dst_row), dst_row);
}

// column[k] becomes element k of each of 16 rows, for the first n elements of a row. Columns behind them, to the next
// multiple of 16, may be written too.
template <class T>
PT_FN void turn_rows(T (*column)[16], const T* rows, int64_t row_stride, int64_t n) {
  if (n == 2 && row_stride == 2) return part_neighbours(rows, column[0], column[1]);
  using F = typename traveller<T>::type;
  for (int64_t k = 0; k < n; k += kTurnedAtOnce<F>)
    turn_block(reinterpret_cast<const F*>(rows + k), row_stride, n - k, reinterpret_cast<F*>(column[k]), 16);
}

}  // namespace PT_ISA
}  // namespace pt
