#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/elementwise.h"

namespace pt {
namespace {

const Op* registered =
    define("cosine_similarity")
        .in("x1", Takes::Number)
        .in("x2", Takes::Number)
        .floats()
        .attr("axis", -1)
        .attr("eps", 1e-8, positive)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape shape = broadcast(in[0].shape(), in[1].shape(), "cosine_similarity");
          const Ints axis{normal_axis(attrs.integer("axis"), shape.size(), "cosine_similarity")};
          const Tensor a = fn::broadcast_to(widened(in[0]), shape), b = fn::broadcast_to(widened(in[1]), shape);
          const Tensor floor = fn::number(attrs.number("eps"));
          const auto unit = [&](const Tensor& x) {
            const Tensor norm = fn::call("vector_norm", {x}, {{"axis", axis}, {"keepdims", true}});
            return x / fn::where(fn::less(norm, floor), floor, norm);
          };
          return {fn::cast(fn::sum(unit(a) * unit(b), axis, false), in[0].dtype())};
        })
        .doc(R"(the cosine of the angle between x1 and x2 along an axis; norms count as at least eps.
Shapes    x1 [..., n], x2 [..., n] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; an axis that they do not have; eps <= 0
Grad      x1, x2
Source    PyTorch, nn.functional.cosine_similarity)",
             R"(>>> pt.nn.functional.cosine_similarity(pt.tensor([1.0, 0.0]), pt.tensor([2.0, 0.0])).item()
1.0)");

const AutocastRule rule("cosine_similarity", Precision::Full);

}  // namespace
}  // namespace pt
