#include "ops/autocast.h"
#include "ops/elementwise.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("huber_loss")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .attr("delta", 1.0, positive)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const double delta = attrs.number("delta");
          const Tensor distance = fn::abs(in[0] - in[1]);
          return {near_or_far(distance, delta, 0.5, delta * (distance - 0.5 * delta))};
        })
        .shape(infer_elementwise)
        .vjp(vjp_of_distance([](const Tensor& apart, const Attrs& attrs) {
          return slope_near_or_far(apart, attrs.number("delta"), 0.5);
        }))
        .doc(R"(half the squared distance of input from the target up to delta, and a straight line beyond, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast; delta <= 0
Grad      input, target; the second derivative is 1 nearer than delta, also at 0, and 0 from delta on
Source    Huber 1964)",
             R"(>>> pt.ops.functional.OPERATORS["huber_loss"](1.0, 4.0).item()
2.5)");

const AutocastRule rule("huber_loss", Precision::Full);

}  // namespace
}  // namespace pt
