#include "ops/autocast.h"
#include "ops/complex_ends.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), half = fn::call("sin", {0.5 * b});
  const Tensor size = fn::exp(a), less = fn::expm1(a), zero = fn::number(0);
  const Tensor re = less * fn::call("cos", {b}) - 2.0 * fn::square(half);
  // As of exp; and a real part of 0 has no sign.
  const Tensor alone = fn::logical_and(no_angle(b), fn::call("isinf", {a}));
  const Tensor nothing = fn::logical_and(alone, fn::less(a, zero));
  const Tensor im = fn::where(fn::equal(b, zero), b, size * fn::call("sin", {b}));
  return {make_complex(fn::where(alone, less, fn::where(fn::equal(re, zero), zero, re)), fn::where(nothing, size, im))};
}

const Op* registered = define("expm1")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.8)
                           .saves({true})
                           // Not the result + 1, which loses the digits of a small slope.
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::exp(c.in[0])}; })
                           .complex(of_complex)
                           .doc(R"(exp(x) - 1, exact for small x too.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.expm1(0.0).item()
0.0)");

const AutocastRule rule("expm1", Precision::Full);

}  // namespace
}  // namespace pt
