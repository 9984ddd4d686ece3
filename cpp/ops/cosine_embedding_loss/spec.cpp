#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("cosine_embedding_loss")
        .in("input1", Takes::Number)
        .in("input2", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .attr("margin", 0.0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor cosine = fn::call("cosine_similarity", {widened(in[0]), widened(in[1])});
          const Tensor alike = fn::greater(widened(in[2]), fn::number(0));
          return {fn::cast(fn::where(alike, 1.0 - cosine, hinge(cosine - attrs.number("margin"))), in[0].dtype())};
        })
        .doc(
            R"(1 minus the cosine of input1 and input2 where the target is 1, and what it is above the margin where it is -1: one value per row.
Shapes    input1 [..., n], input2 [..., n], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      input1, input2
Source    PyTorch, nn.functional.cosine_embedding_loss)",
            R"(>>> one = pt.ones((1, 2))
>>> abs(round(pt.ops.functional.OPERATORS["cosine_embedding_loss"](one, one, pt.tensor([1.0])).item(), 4))
0.0)");

const AutocastRule rule("cosine_embedding_loss", Precision::Full);

}  // namespace
}  // namespace pt
