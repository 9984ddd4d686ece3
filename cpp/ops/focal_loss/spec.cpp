#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

// x^p for p above 0. At 0 a root has an infinite slope, which would be NaN times a cost of 0: there it is that of x.
Tensor power_or_zero(const Tensor& x, double p) {
  const Tensor nothing = fn::equal(x, fn::number(0));
  return fn::where(nothing, x, fn::call("pow", {fn::where(nothing, fn::number(1), x), fn::number(p)}));
}

const Op* registered =
    elementwise_loss("focal_loss",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       const double alpha = attrs.number("alpha"), gamma = attrs.number("gamma");
                       const Tensor cost = fn::call("binary_cross_entropy_with_logits", {x, target});
                       const Tensor p = fn::sigmoid(x), wrong = p * (1.0 - target) + (1.0 - p) * target;
                       const Tensor value = gamma == 0 ? cost : cost * power_or_zero(wrong, gamma);
                       return alpha < 0 ? value : value * (alpha * target + (1 - alpha) * (1.0 - target));
                     })
        .attr("alpha", 0.25)
        .attr("gamma", 2.0, non_negative)
        .doc(
            R"(binary_cross_entropy_with_logits of input, times (1 - p)^gamma, p being the probability of the truth, and alpha where the target is 1, else 1 - alpha, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      input, target
Numerics  an alpha below 0 leaves that factor out
Source    Lin et al. 2017)",
            R"(>>> round(pt.ops.functional.OPERATORS["focal_loss"](0.0, 1.0).item(), 4)
0.0433)");

const AutocastRule rule("focal_loss", Precision::Full);

}  // namespace
}  // namespace pt
