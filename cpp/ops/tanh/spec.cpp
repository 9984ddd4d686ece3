#include "ops/complex_ends.h"

namespace pt {
namespace {

// By sums of the doubled parts; far from the axis those overflow, and the quotient is a sign.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = 2.0 * imaginary_part(in[0]), b = 2.0 * real_part(in[0]),
               far = fn::call("clip", {b, fn::number(-60), fn::number(60)});
  const Tensor below = fn::call("cos", {a}) + fn::call("cosh", {far}), zero = fn::number(0);
  // Infinity is 1 whatever the angle, 0 is 0, and an angle of 0 has no sine.
  const Tensor endless = fn::call("isinf", {b});
  const Tensor upright = fn::logical_and(no_angle(a), fn::equal(b, zero));
  const Tensor re = fn::where(upright, b, fn::call("sinh", {far}) / below);
  const Tensor im = fn::where(fn::equal(a, zero), a, fn::call("sin", {a}) / below);
  return {make_complex(fn::where(endless, fn::copysign(fn::number(1), b), re),
                       fn::where(endless, fn::copysign(zero, a), im))};
}

const Op* registered = define("tanh")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.9)
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
