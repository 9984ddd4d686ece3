#include "ops/autocast.h"
#include "ops/composed.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("binary_cross_entropy_with_logits")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .in_optional("pos_weight", Takes::Number)
        .floats()
        .shape([](const InferContext& c) -> Types {
          Shape shape = broadcast(c.in[0].shape, c.in[1].shape, c.op.name);
          if (c.given[2]) shape = broadcast(shape, c.in[2].shape, c.op.name);
          return {{c.in[0].dtype, shape}};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor x = in[0], target = in[1];
          // Both sides through softplus, which keeps the digits of a small loss.
          const Tensor truth = in[2].defined() ? target * in[2] : target;
          return {truth * fn::softplus(-x) + (1.0 - target) * fn::softplus(x)};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor x = c.in[0], target = c.in[1], weight = c.in[2], g = c.grad[0];
          const Tensor p = fn::call("sigmoid", {x});
          if (!weight.defined()) {
            return {c.needs[0] ? unbroadcast(g * (p - target), x.shape()) : Tensor(),
                    c.needs[1] ? unbroadcast(-(g * x), target.shape()) : Tensor(), Tensor()};
          }
          const Tensor right = fn::softplus(-x), wrong = fn::softplus(x);
          const Tensor slope = (1.0 - target) * p - target * weight * (1.0 - p);
          return {c.needs[0] ? unbroadcast(g * slope, x.shape()) : Tensor(),
                  c.needs[1] ? unbroadcast(g * (weight * right - wrong), target.shape()) : Tensor(),
                  c.needs[2] ? unbroadcast(g * target * right, weight.shape()) : Tensor()};
        })
        .doc(R"(the binary cross-entropy of probability sigmoid(input) against the target, per element.
Shapes    input [...], target [...], pos_weight [...] -> [...], broadcast; pos_weight counts for the part of the target that
          is 1, and may be left out
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      input, target, pos_weight
Numerics  never through sigmoid(input) itself, so that nothing overflows or is rounded to zero
Source    PyTorch, nn.functional.binary_cross_entropy_with_logits)",
             R"(>>> round(pt.ops.functional.OPERATORS["binary_cross_entropy_with_logits"](0.0, 1.0).item(), 4)
0.6931)");

const AutocastRule rule("binary_cross_entropy_with_logits", Precision::Full);

}  // namespace
}  // namespace pt
