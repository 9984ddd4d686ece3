// Several short rows in one vector, and the halves of the groups that they are: how a tree over the lanes of 16 rows is
// climbed for all of them at once. Elements are moved, never computed with.
#pragma once
#include "simd/unsigned.h"

namespace pt {
namespace PT_ISA {

// Whether registers part fast; elsewhere rows are turned (turn.h).
#if defined(PT_ISA_avx512)
inline constexpr bool kPartsGroups = true;

PT_FN __m512i as_words(__m512 r) { return _mm512_castps_si512(r); }
PT_FN __m512i as_words(__m512d r) { return _mm512_castpd_si512(r); }
PT_FN __m512i as_words(__m512i r) { return r; }
PT_FN void from_words(__m512i words, __m512& r) { r = _mm512_castsi512_ps(words); }
PT_FN void from_words(__m512i words, __m512d& r) { r = _mm512_castsi512_pd(words); }
PT_FN void from_words(__m512i words, __m512i& r) { r = words; }

// Among the lanes of two registers, those in the first and in the second halves of groups of 2 kGroup.
template <class Index, int kLanes, int kGroup>
struct halves_of_groups {
  alignas(64) Index first[kLanes], second[kLanes];
  constexpr halves_of_groups() : first{}, second{} {
    for (int i = 0; i < kLanes; ++i) {
      first[i] = Index(i / kGroup * 2 * kGroup + i % kGroup);
      second[i] = Index(first[i] + kGroup);
    }
  }
};
// Of registers that hold rows of kWidth lanes each: where a lane's element is among rows without gaps.
template <class Index, int kLanes, int kWidth>
struct places_of_rows {
  alignas(64) Index row[kLanes], column[kLanes];
  constexpr places_of_rows() : row{}, column{} {
    for (int i = 0; i < kLanes; ++i) {
      row[i] = Index(i / kWidth);
      column[i] = Index(i % kWidth);
    }
  }
};

template <int kBytes>
PT_FN __m512i pick_of_both(__m512i a, __m512i places, __m512i b) {
  if constexpr (kBytes == 4)
    return _mm512_permutex2var_epi32(a, places, b);
  else
    return _mm512_permutex2var_epi64(a, places, b);
}

// The first and the second halves of the groups of 2 kGroup lanes in x, then in y.
template <int kGroup, class T>
PT_FN void part_groups(vec<T, 16> x, vec<T, 16> y, vec<T, 16>& first, vec<T, 16>& second) {
  using V = vec<T, 16>;
  if constexpr (kGroup == native<T>::lanes) {
    first.part[0] = x.part[0];
    first.part[1] = y.part[0];
    second.part[0] = x.part[1];
    second.part[1] = y.part[1];
  } else {
    using Index = typename lane_of<sizeof(T)>::type;
    static constexpr halves_of_groups<Index, native<T>::lanes, kGroup> kHalves;
    const __m512i to_first = _mm512_load_si512(kHalves.first), to_second = _mm512_load_si512(kHalves.second);
    __m512i words[2 * V::parts];
    PT_UNROLL for (int i = 0; i < V::parts; ++i) {
      words[i] = as_words(x.part[i]);
      words[V::parts + i] = as_words(y.part[i]);
    }
    PT_UNROLL for (int i = 0; i < V::parts; ++i) {
      from_words(pick_of_both<sizeof(T)>(words[2 * i], to_first, words[2 * i + 1]), first.part[i]);
      from_words(pick_of_both<sizeof(T)>(words[2 * i], to_second, words[2 * i + 1]), second.part[i]);
    }
  }
}

// Rows without gaps of n elements each, n at most kWidth: 16 / kWidth of them are one vector, in which lanes behind a
// row's end hold `absent`. With kWhole, n is kWidth.
template <class T, int kWidth, bool kWhole>
struct short_rows {
  using V = vec<T, 16>;
  using nat = native<T>;
  using Index = typename lane_of<sizeof(T)>::type;
  static constexpr int rows_at_once = kWidth < nat::lanes ? nat::lanes / kWidth : 1;  // in one register
  const T* p;
  int64_t n;
  V absent;
  __m512i places;
  mask<sizeof(T), 16> given;

  PT_FN short_rows(const T* rows, int64_t cols, T identity) : p(rows), n(cols), absent(identity) {
    static constexpr places_of_rows < Index, nat::lanes, kWidth<nat::lanes ? kWidth : nat::lanes> kPlaces;
    alignas(64) Index at[nat::lanes], column[16];
    for (int i = 0; i < nat::lanes; ++i) at[i] = Index(kPlaces.row[i] * n + kPlaces.column[i]);
    for (int i = 0; i < 16; ++i) column[i] = Index(i % kWidth);
    places = _mm512_load_si512(at);
    given = vec<Index, 16>::load(column) < vec<Index, 16>(Index(n));
  }
  // From this row on.
  PT_FN V at(int64_t row) const {
    const T* from = p + row * n;
    if constexpr (kWhole) return V::load(from);
    V v;
    if constexpr (kWidth == 16) {
      v = V::load_n(from, n);
    } else {
      PT_UNROLL for (int i = 0; i < V::parts; ++i) {
        const auto words = as_words(nat::load_n(from + i * rows_at_once * n, rows_at_once * n));
        if constexpr (sizeof(T) == 4)
          from_words(_mm512_permutexvar_epi32(places, words), v.part[i]);
        else
          from_words(_mm512_permutexvar_epi64(places, words), v.part[i]);
      }
    }
    return select(given, v, absent);
  }
};
#else
inline constexpr bool kPartsGroups = false;
template <class T, int kWidth, bool kWhole>
struct short_rows;
#endif

}  // namespace PT_ISA
}  // namespace pt
