#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("leaky_relu")
        .in("input", Takes::Number)
        .floats()
        .shape(infer_elementwise)
        .attr("negative_slope", 0.01)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {fn::where(fn::greater(in[0], fn::number(0)), in[0], attrs.number("negative_slope") * in[0])};
        })
        .saves({true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor less = c.attrs.number("negative_slope") * c.grad[0];
          return {fn::where(fn::greater(c.in[0], fn::number(0)), c.grad[0], less)};
        })
        .doc(R"(input where it is above zero, else negative_slope times input.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; negative_slope at 0
Source    Maas, Hannun & Ng 2013)",
             R"(>>> pt.nn.functional.leaky_relu(-2.0, negative_slope=0.5).item()
-1.0)");

}  // namespace
}  // namespace pt
