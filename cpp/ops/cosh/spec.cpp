#include "ops/autocast.h"
#include "ops/complex_ends.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), high = fn::call("cosh", {a}), zero = fn::number(0);
  // Infinity stays what it is whatever the angle; where a part is 0 the imaginary one is 0 times a sign.
  const Tensor re = fn::where(fn::logical_and(no_angle(b), fn::call("isinf", {a})), high, high * fn::call("cos", {b}));
  const Tensor straight = fn::equal(b, zero), upright = fn::logical_and(no_angle(b), fn::equal(a, zero));
  const Tensor im = fn::call("sinh", {a}) * fn::call("sin", {b});
  return {make_complex(re, fn::where(straight, fn::copysign(fn::number(1), a) * b, fn::where(upright, a, im)))};
}

const Op* registered = formula_unary("cosh", "x", [](const Tensor& x, const Attrs&) { return fn::call("sinh", {x}); })
                           .cost(0.5)
                           .complex(of_complex)
                           .doc(R"(the hyperbolic cosine, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.cosh(0.0).item()
1.0)");

const AutocastRule rule("cosh", Precision::Full);

}  // namespace
}  // namespace pt
