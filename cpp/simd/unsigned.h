// vec<uint64_t, N>: the registers of int64_t, ordered as unsigned numbers.
#pragma once
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

template <>
struct native<uint64_t> : native<int64_t> {
  using base = native<int64_t>;
  using reg = base::reg;
  static PT_FN const int64_t* plain(const uint64_t* p) { return reinterpret_cast<const int64_t*>(p); }
  static PT_FN int64_t* plain(uint64_t* p) { return reinterpret_cast<int64_t*>(p); }
  static PT_FN reg load(const uint64_t* p) { return base::load(plain(p)); }
  static PT_FN void store(uint64_t* p, reg a) { base::store(plain(p), a); }
  static PT_FN reg load_n(const uint64_t* p, int64_t n) { return base::load_n(plain(p), n); }
  static PT_FN void store_n(uint64_t* p, reg a, int64_t n) { base::store_n(plain(p), a, n); }
  static PT_FN reg fill(uint64_t x) { return base::fill(int64_t(x)); }
  // With the sign bit turned around, signed order is that of unsigned numbers.
  static PT_FN reg turned(reg a) { return base::bit_xor(a, base::fill(INT64_MIN)); }
  static PT_FN auto lt(reg a, reg b) { return base::lt(turned(a), turned(b)); }
  static PT_FN auto le(reg a, reg b) { return base::le(turned(a), turned(b)); }
};

template <int N>
PT_FN vec<uint64_t, N> operator-(vec<uint64_t, N> a) {
  return vec<uint64_t, N>(0) - a;
}
template <int N>
PT_FN vec<uint64_t, N> abs(vec<uint64_t, N> a) {
  return a;
}

}  // namespace PT_ISA
}  // namespace pt
