#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("huber_loss")
        .in("x", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .attr("delta", 1.0, positive)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const double delta = attrs.number("delta");
          const Tensor distance = fn::call("abs", {in[0] - in[1]});
          // What is squared stops at delta: the slope of an infinite square would be NaN where it is not chosen.
          const Tensor close = fn::call("less_equal", {distance, fn::number(delta)});
          const Tensor near = 0.5 * fn::square(fn::where(close, distance, fn::number(delta)));
          return {fn::where(close, near, delta * (distance - 0.5 * delta))};
        })
        .doc(R"(half the squared distance of x from the target up to delta, and a straight line beyond, per element.
Shapes    x [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast; delta <= 0
Grad      x, target
Source    Huber 1964)",
             R"(>>> pt.huber_loss(1.0, 4.0).item()
2.5)");

const AutocastRule rule("huber_loss", Precision::Full);

}  // namespace
}  // namespace pt
