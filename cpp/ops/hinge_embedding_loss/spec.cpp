#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    elementwise_loss("hinge_embedding_loss",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       const Tensor far = hinge(attrs.number("margin") - x);
                       return fn::where(fn::greater(target, fn::number(0)), x, far);
                     })
        .attr("margin", 1.0)
        .doc(R"(x where the target is 1, and by how much it is below the margin where it is -1, per element.
Shapes    x [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      x)",
             R"(>>> pt.hinge_embedding_loss(0.25, -1.0).item()
0.75)");

const AutocastRule rule("hinge_embedding_loss", Precision::Full);

}  // namespace
}  // namespace pt
