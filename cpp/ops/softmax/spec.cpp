#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  normal_axis(c.attrs.integer("axis"), c.in[0].shape.size(), c.op.name);
  return {c.in[0]};
}

const Op* registered = define("softmax")
                           .in("input", Takes::Number)
                           .floats()
                           .attr("axis", -1)
                           .shape(infer)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             if (in[0].size() == 0) return {in[0]};  // a maximum of nothing is an error
                             const Tensor x = widened(in[0]);
                             const Ints axis = {normal_axis(attrs.integer("axis"), x.ndim(), "softmax")};
                             const Tensor e = fn::exp(x - fn::max(x, axis, true));
                             return {fn::cast(e / fn::sum(e, axis, true), in[0].dtype())};
                           })
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Tensor y = widened(c.out[0]), g = widened(c.grad[0]);
                             const Ints axis = {normal_axis(c.attrs.integer("axis"), y.ndim(), "softmax")};
                             return {fn::cast(y * (g - fn::sum(g * y, axis, true)), c.in_types[0].dtype)};
                           })
                           .doc(R"(exp(input), divided by its sum along an axis.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that input does not have
Grad      input
Numerics  the maximum is subtracted first, so that nothing overflows; NaN where a whole row is -inf
Source    Bridle 1990)",
                                R"(>>> pt.softmax(pt.zeros(2)).numpy().tolist()
[0.5, 0.5])");

const AutocastRule rule("softmax", Precision::Full);

}  // namespace
}  // namespace pt
