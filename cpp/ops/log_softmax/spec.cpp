#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  normal_axis(c.attrs.integer("axis"), c.in[0].shape.size(), c.op.name);
  return {c.in[0]};
}

const Op* registered = define("log_softmax")
                           .in("input", Takes::Number)
                           .floats()
                           .attr("axis", -1)
                           .shape(infer)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             if (in[0].size() == 0) return {in[0]};  // a maximum of nothing is an error
                             const Tensor x = widened(in[0]);
                             const Ints axis = {normal_axis(attrs.integer("axis"), x.ndim(), "log_softmax")};
                             const Tensor shifted = x - fn::max(x, axis, true);
                             return {fn::cast(shifted - fn::log(fn::sum(fn::exp(shifted), axis, true)), in[0].dtype())};
                           })
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Tensor y = widened(c.out[0]), g = widened(c.grad[0]);
                             const Ints axis = {normal_axis(c.attrs.integer("axis"), y.ndim(), "log_softmax")};
                             return {fn::cast(g - fn::exp(y) * fn::sum(g, axis, true), c.in_types[0].dtype)};
                           })
                           .doc(R"(the logarithm of softmax(input) along an axis.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that input does not have
Grad      input
Numerics  never through softmax itself, whose small values lose their logarithm
Source    PyTorch, nn.functional.log_softmax)",
                                R"(>>> round(pt.log_softmax(pt.zeros(2)).numpy()[0].item(), 4)
-0.6931)");

const AutocastRule rule("log_softmax", Precision::Full);

}  // namespace
}  // namespace pt
