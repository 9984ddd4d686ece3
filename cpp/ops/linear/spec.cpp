#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("linear")
        .in("x", Takes::Float)
        .in("w", Takes::Float)
        .in_optional("b", Takes::Float)
        .attr("dots", "exact", {"exact", "hardware"})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape &x = in[0].shape(), &w = in[1].shape();
          if (x.empty() || w.size() != 2 || x.back() != w[0]) {
            throw ShapeError(
                text("[linear] x is ", in[0].type(), ", w is ", in[1].type(),
                     "; x's last axis must equal w's first; w is (inputs, outputs): transpose w or reshape x"));
          }
          if (in[2].defined() && in[2].shape() != Shape{w[1]}) {
            throw ShapeError(text("[linear] b is ", in[2].type(), ", w is ", in[1].type(), "; b must be [", w[1],
                                  "]; pass one number per output"));
          }
          const Tensor product = fn::call("matmul", {in[0], in[1]}, attrs);
          return {in[2].defined() ? product + in[2] : product};
        })
        .complex()
        .doc(R"(x w + b along the last axis of x; b may be left out.
Shapes    x [..., i], w [i, o], b [o] -> [..., o]
Dtypes    floats; f16 and bf16 accumulate in f32; dots as in matmul
Errors    i differs; b not of size o
Grad      x, w, b
Source    PyTorch, nn.functional.linear)",
             R"(>>> pt.linear(pt.ones((2, 3)), pt.ones((3, 4)), pt.zeros(4)).shape
(2, 4))");

const AutocastRule rule("linear", Precision::Low);

}  // namespace
}  // namespace pt
