#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    elementwise_loss("binary_cross_entropy",
                     [](const Tensor& x, const Tensor& target, const Attrs&) {
                       const Tensor floor = fn::number(-100);
                       // A logarithm below -100 counts as that: a certain error costs much, not everything.
                       const auto clamped = [&](const Tensor& t) { return fn::where(fn::less(t, floor), floor, t); };
                       return (target - 1.0) * clamped(fn::log1p(-x)) - target * clamped(fn::log(x));
                     })
        .doc(R"(the binary cross-entropy of a probability x against the target, per element; bce_with_logits is safer.
Shapes    x [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      x, target
Numerics  logarithms are at least -100
Source    PyTorch, nn.functional.binary_cross_entropy)",
             R"(>>> round(pt.binary_cross_entropy(0.5, 1.0).item(), 4)
0.6931)");

const AutocastRule rule("binary_cross_entropy", Precision::Full);

}  // namespace
}  // namespace pt
