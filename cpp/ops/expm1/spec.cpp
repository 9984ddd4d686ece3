#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), half = fn::call("sin", {0.5 * b});
  const Tensor re = fn::call("expm1", {a}) * fn::call("cos", {b}) - 2.0 * fn::square(half);
  return {make_complex(re, fn::exp(a) * fn::call("sin", {b}))};
}

const Op* registered = define("expm1")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
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
