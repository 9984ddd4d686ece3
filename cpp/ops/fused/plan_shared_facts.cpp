// The facts about all formulas, for every device.
#define PT_ISA isa_generic  // any would do: facts are of types alone
#include "ops/fused/math_table.h"

namespace pt {
namespace PT_ISA {

template <class F, class V, int kClass>
constexpr unsigned mask_bit() {
  if constexpr (((F::takes >> kClass) & 1) == 0)
    return 0;
  else if constexpr (F::n_args == 1)
    return block_lane<decltype(F::apply(V()))>::is_mask << kClass;
  else if constexpr (F::n_args == 2)
    return block_lane<decltype(F::apply(V(), V()))>::is_mask << kClass;
  else
    return block_lane<decltype(F::apply(typename first_argument<F::first_is_mask, V>::type(), V(), V()))>::is_mask
           << kClass;
}
template <class F>
constexpr MathFact fact(const char* name) {
  unsigned to_mask = mask_bit<F, vec<float, 16>, 0>() | mask_bit<F, vec<double, 8>, 1>() |
                     mask_bit<F, vec<int32_t, 16>, 2>() | mask_bit<F, vec<int64_t, 8>, 3>() |
                     mask_bit<F, mask<4, 16>, 4>() | mask_bit<F, vec<uint64_t, 8>, 5>();
  return {name, F::n_args, F::takes, F::first_is_mask, uint8_t(to_mask)};
}

#define PT_MATH_OP(op) fact<formula_##op>(#op),
static const MathFact kFacts[] = {
#include "math_ops.inc"
};
#undef PT_MATH_OP

}  // namespace PT_ISA
}  // namespace pt

const pt::MathFacts pt::kMathFacts = {pt::PT_ISA::kFacts, sizeof(pt::PT_ISA::kFacts) / sizeof(pt::PT_ISA::kFacts[0])};
