#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered = elementwise_loss("soft_margin_loss", [](const Tensor& x, const Tensor& target,
                                                               const Attrs&) { return fn::softplus(-(target * x)); })
                           .doc(R"(log(1 + exp(-target input)), the logistic loss of targets 1 and -1, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      input, target
Numerics  through softplus, which cannot overflow
Source    PyTorch, nn.functional.soft_margin_loss)",
                                R"(>>> round(pt.ops.functional.OPERATORS["soft_margin_loss"](0.0, 1.0).item(), 4)
0.6931)");

const AutocastRule rule("soft_margin_loss", Precision::Full);

}  // namespace
}  // namespace pt
