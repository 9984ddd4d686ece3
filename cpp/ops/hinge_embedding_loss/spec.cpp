#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    elementwise_loss("hinge_embedding_loss",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       // Each half where the target is not the other's, so that a target of neither counts both.
                       const Tensor zero = fn::number(0), far = hinge(attrs.number("margin") - x);
                       const Tensor same = fn::equal(target, fn::number(1)), other = fn::equal(target, fn::number(-1));
                       return fn::where(other, zero, x) + fn::where(same, zero, far);
                     })
        .attr("margin", 1.0)
        .doc(
            R"(input where the target is 1, and by how much it is below the margin where it is -1, per element; the sum of both elsewhere.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      input
Source    PyTorch, nn.functional.hinge_embedding_loss)",
            R"(>>> pt.ops.functional.OPERATORS["hinge_embedding_loss"](0.25, -1.0).item()
0.75)");

const AutocastRule rule("hinge_embedding_loss", Precision::Full);

}  // namespace
}  // namespace pt
