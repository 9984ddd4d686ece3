#include "ops/autocast.h"
#include "ops/complex_ends.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), wide = fn::call("sinh", {a}), zero = fn::number(0);
  // 0 and infinity stay what they are whatever the angle, and an angle of 0 has no sine.
  const Tensor kept = fn::logical_or(fn::call("isinf", {a}), fn::equal(a, zero));
  const Tensor re = fn::where(fn::logical_and(no_angle(b), kept), wide, wide * fn::call("cos", {b}));
  return {make_complex(re, fn::where(fn::equal(b, zero), b, fn::call("cosh", {a}) * fn::call("sin", {b})))};
}

const Op* registered = formula_unary("sinh", "x", [](const Tensor& x, const Attrs&) { return fn::call("cosh", {x}); })
                           .cost(0.5)
                           .complex(of_complex)
                           .doc(R"(the hyperbolic sine, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> round(pt.sinh(1.0).item(), 4)
1.1752)");

const AutocastRule rule("sinh", Precision::Full);

}  // namespace
}  // namespace pt
