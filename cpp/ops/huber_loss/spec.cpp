#include "ops/autocast.h"
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
          const Tensor apart = in[0] - in[1], distance = fn::call("abs", {apart});
          return {near_or_far(apart, distance, delta, 0.5, delta * (distance - 0.5 * delta))};
        })
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
