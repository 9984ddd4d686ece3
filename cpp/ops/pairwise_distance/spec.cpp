#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("pairwise_distance")
        .in("x1", Takes::Number)
        .in("x2", Takes::Number)
        .floats()
        .attr("p", 2.0)
        .attr("eps", 1e-6, non_negative)
        .attr("keepdims", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor difference = widened(in[0]) - widened(in[1]) + attrs.number("eps");
          const Tensor norm =
              fn::call("vector_norm", {difference},
                       {{"axis", Ints{-1}}, {"keepdims", attrs.flag("keepdims")}, {"ord", attrs.number("p")}});
          return {fn::cast(norm, in[0].dtype())};
        })
        .doc(R"(the norm of x1 - x2 + eps along the last axis.
Shapes    x1 [..., n], x2 [..., n] -> [...], broadcast; keepdims leaves size 1
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; scalars
Grad      x1, x2
Source    PyTorch, nn.functional.pairwise_distance)",
             R"(>>> round(pt.nn.functional.pairwise_distance(pt.tensor([3.0, 4.0]), pt.zeros(2)).item(), 4)
5.0)");

const AutocastRule rule("pairwise_distance", Precision::Full);

}  // namespace
}  // namespace pt
