// mask<1, 64>: masks that no vector needs, as a register of their bytes; for AVX-512. Elsewhere PT_WIDE_MASKS is not
// defined.
#pragma once
#include "simd/vec.h"

#if defined(PT_ISA_avx512) && !defined(PT_EMULATE_AVX512)
#define PT_WIDE_MASKS

namespace pt {
namespace PT_ISA {

template <>
struct lane_of<1> {
  using type = int8_t;
};
template <>
struct native<int8_t> {
  static constexpr int lanes = 64;
};
template <>
struct flags<1> {
  using reg = __mmask64;
  static PT_FN reg both(reg a, reg b) { return a & b; }
  static PT_FN reg either(reg a, reg b) { return a | b; }
  static PT_FN reg differ(reg a, reg b) { return a ^ b; }
  static PT_FN reg invert(reg a) { return ~a; }
  static PT_FN bool any(reg a) { return a != 0; }
  static PT_FN bool all(reg a) { return a == ~reg(0); }
  static PT_FN reg load(const uint8_t* p) {
    const __m512i bytes = _mm512_loadu_si512(p);
    return _mm512_test_epi8_mask(bytes, bytes);
  }
  static PT_FN void store(uint8_t* p, reg a) { _mm512_storeu_si512(p, _mm512_maskz_set1_epi8(a, 1)); }
};

}  // namespace PT_ISA
}  // namespace pt
#endif
