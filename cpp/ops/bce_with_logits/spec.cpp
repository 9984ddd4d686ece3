#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("bce_with_logits")
        .in("x", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .shape(infer_elementwise)
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor x = in[0], target = in[1];
          // Both sides through softplus, which keeps the digits of a small loss.
          return {target * fn::call("softplus", {-x}) + (1.0 - target) * fn::call("softplus", {x})};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor x = c.in[0], target = c.in[1], g = c.grad[0];
          return {c.needs[0] ? unbroadcast(g * (fn::call("sigmoid", {x}) - target), x.shape()) : Tensor(),
                  c.needs[1] ? unbroadcast(-(g * x), target.shape()) : Tensor()};
        })
        .doc(R"(the binary cross-entropy of probability sigmoid(x) against the target, per element.
Shapes    x [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      x, target
Numerics  never through sigmoid(x) itself, so that nothing overflows or is rounded to zero)",
             R"(>>> round(pt.bce_with_logits(0.0, 1.0).item(), 4)
0.6931)");

}  // namespace
}  // namespace pt
