#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("linear")
                           .in("input", Takes::Float)
                           .in("weight", Takes::Float)
                           .in_optional("bias", Takes::Float)
                           .attr("dots", "exact", {"exact", "hardware"})
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Shape &x = in[0].shape(), &w = in[1].shape();
                             if (x.empty() || w.size() != 2 || x.back() != w[0]) {
                               throw ShapeError(text("[linear] input is ", in[0].type(), ", weight is ", in[1].type(),
                                                     "; input's last axis must equal weight's first; weight is "
                                                     "(inputs, outputs): transpose weight or reshape input"));
                             }
                             if (in[2].defined() && in[2].shape() != Shape{w[1]}) {
                               throw ShapeError(text("[linear] bias is ", in[2].type(), ", weight is ", in[1].type(),
                                                     "; bias must be [", w[1], "]; pass one number per output"));
                             }
                             const Tensor product = fn::call("matmul", {in[0], in[1]}, attrs);
                             return {in[2].defined() ? product + in[2] : product};
                           })
                           .complex()
                           .doc(R"(input weight + bias along the last axis of input; bias may be left out.
Shapes    input [..., i], weight [i, o], bias [o] -> [..., o]
Dtypes    floats; f16 and bf16 accumulate in f32; dots as in matmul
Errors    i differs; b not of size o
Grad      input, weight, bias
Source    PyTorch, nn.functional.linear)",
                                R"(>>> pt.nn.functional.linear(pt.ones((2, 3)), pt.ones((3, 4)), pt.zeros(4)).shape
(2, 4))");

const AutocastRule rule("linear", Precision::Low);

}  // namespace
}  // namespace pt
