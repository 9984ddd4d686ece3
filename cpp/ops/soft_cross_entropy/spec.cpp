#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("soft_cross_entropy")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .in_optional("weight", Takes::Number)
        .floats()
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Shape& x = in[0].shape();
          const bool weighted = in[2].defined();
          if (in[1].shape() != x || x.empty() || (weighted && in[2].shape() != Shape{x.back()})) {
            throw ShapeError(text("[soft_cross_entropy] input is ", in[0].type(), ", target is ", in[1].type(),
                                  "; expected one shape, and one weight per class if any; reshape target"));
          }
          Tensor share = widened(in[1]);
          if (weighted) share = share * widened(in[2]);
          const Tensor loss = -fn::sum(share * fn::call("log_softmax", {widened(in[0])}), {-1}, false);
          return {fn::cast(loss, in[0].dtype())};
        })
        .doc(
            R"(the cross-entropy of softmax(input) against a target of probabilities: one value per row.
Shapes    input [..., c], target [..., c], weight [c] -> [...]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    shapes that differ; a weight that is not one per class
Grad      input, target, weight
Source    PyTorch, nn.functional.cross_entropy with probabilities)",
            R"(>>> round(pt.ops.functional.OPERATORS["soft_cross_entropy"](pt.zeros((1, 2)), pt.tensor([[0.5, 0.5]])).item(), 4)
0.6931)");

const AutocastRule rule("soft_cross_entropy", Precision::Full);

}  // namespace
}  // namespace pt
