#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

// A logarithm below -100 counts as that: a certain error costs much, not everything.
Tensor clamped(const Tensor& logarithm) {
  const Tensor floor = fn::number(-100);
  return fn::where(fn::less(logarithm, floor), floor, logarithm);
}

const Op* registered =
    composed_binary(
        "binary_cross_entropy", "input", "target",
        [](const Tensor& x, const Tensor& target) {
          return (target - 1.0) * clamped(fn::log1p(-x)) - target * clamped(fn::log(x));
        },
        // The slope of a certain error is large, that of a certain truth is 0.
        [](const Tensor& x, const Tensor& target) {
          return (x - target) / fn::maximum(x * (1.0 - x), fn::number(1e-12));
        },
        [](const Tensor& x, const Tensor&) { return clamped(fn::log1p(-x)) - clamped(fn::log(x)); })
        .doc(
            R"(the binary cross-entropy of a probability input against the target, per element; binary_cross_entropy_with_logits is safer.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      input, target
Numerics  logarithms are at least -100; the slope towards input is (input - target) / max(input (1 - input), 1e-12)
Source    PyTorch, nn.functional.binary_cross_entropy)",
            R"(>>> round(pt.ops.functional.OPERATORS["binary_cross_entropy"](0.5, 1.0).item(), 4)
0.6931)");

const AutocastRule rule("binary_cross_entropy", Precision::Full);

}  // namespace
}  // namespace pt
