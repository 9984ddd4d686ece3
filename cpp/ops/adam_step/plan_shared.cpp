#include "ops/adam_step/plan.h"

namespace pt {

AdamDesc describe_adam(std::span<const Operand> in, const Attrs& attrs) {
  AdamDesc d{};
  d.elements = count(in[kP].shape);
  d.beta1 = attrs.number("beta1"), d.beta2 = attrs.number("beta2");
  d.eps = attrs.number("eps"), d.decay = attrs.number("decay");
  const auto given = [&](int i) { return in[i].dtype != DType::Bool; };
  d.largest = given(kLargest), d.kept = given(kKept), d.factor = given(kFactor);
  return d;
}

}  // namespace pt
