#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// By sums of the doubled parts; far from the axis those overflow, and the quotient is a sign.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = 2.0 * imaginary_part(in[0]), b = 2.0 * real_part(in[0]),
               far = fn::call("clip", {b, fn::number(-60), fn::number(60)});
  const Tensor below = fn::call("cos", {a}) + fn::call("cosh", {far});
  return {make_complex(fn::call("sinh", {far}) / below, fn::call("sin", {a}) / below)};
}

const Op* registered = define("tanh")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("tanh_grad", {c.out[0], c.grad[0]})};
                           })
                           .complex(of_complex)
                           .doc(R"(the hyperbolic tangent of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.tanh(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
