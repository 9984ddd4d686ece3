// The products of the lower halves of 64 bit lanes, as unsigned numbers.
#pragma once
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

PT_FN native<int64_t>::reg multiply_lower(native<int64_t>::reg a, native<int64_t>::reg b) {
#if defined(PT_ISA_avx512)
  return _mm512_mul_epu32(a, b);
#elif defined(PT_ISA_avx2)
  return _mm256_mul_epu32(a, b);
#elif defined(PT_ISA_neon)
  const auto lower = [](int64x2_t r) { return vmovn_u64(vreinterpretq_u64_s64(r)); };
  return vreinterpretq_s64_u64(vmull_u32(lower(a), lower(b)));
#else
  return int64_t(uint64_t(uint32_t(a)) * uint32_t(b));
#endif
}

}  // namespace PT_ISA
}  // namespace pt
