#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/elementwise.h"

namespace pt {
namespace {

const Op* registered = define("cosine_similarity")
                           .in("a", Takes::Number)
                           .in("b", Takes::Number)
                           .floats()
                           .attr("axis", -1)
                           .attr("eps", 1e-8, positive)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Shape shape = broadcast(in[0].shape(), in[1].shape(), "cosine_similarity");
                             const Ints axis{normal_axis(attrs.integer("axis"), shape.size(), "cosine_similarity")};
                             const Tensor a = fn::broadcast_to(widened(in[0]), shape),
                                          b = fn::broadcast_to(widened(in[1]), shape);
                             const Tensor floor = fn::number(attrs.number("eps"));
                             const auto unit = [&](const Tensor& x) {
                               const Tensor norm = fn::call("vector_norm", {x}, {{"axis", axis}, {"keepdims", true}});
                               return x / fn::where(fn::less(norm, floor), floor, norm);
                             };
                             return {fn::cast(fn::sum(unit(a) * unit(b), axis, false), in[0].dtype())};
                           })
                           .doc(R"(the cosine of the angle between a and b along an axis; norms count as at least eps.
Shapes    a [..., n], b [..., n] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; an axis that they do not have; eps <= 0
Grad      a, b
Source    PyTorch, nn.functional.cosine_similarity)",
                                R"(>>> pt.cosine_similarity(pt.tensor([1.0, 0.0]), pt.tensor([2.0, 0.0])).item()
1.0)");

const AutocastRule rule("cosine_similarity", Precision::Full);

}  // namespace
}  // namespace pt
