#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {
namespace {

// By sums of the doubled parts; far from the axis those overflow, and the quotient is a sign.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = 2.0 * real_part(in[0]), b = 2.0 * imaginary_part(in[0]),
               far = fn::call("clip", {b, fn::number(-60), fn::number(60)});
  const Tensor below = fn::call("cos", {a}) + fn::call("cosh", {far});
  return {make_complex(fn::call("sin", {a}) / below, fn::call("sinh", {far}) / below)};
}

const Op* registered =
    formula_unary("tan", "x", [](const Tensor& x, const Attrs&) { return fn::square(fn::call("tan", {x})) + 1.0; })
        .cost(0.8)
        .complex(of_complex)
        .doc(R"(the tangent of an angle in radians, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> round(pt.tan(1.0).item(), 4)
1.5574)");

const AutocastRule rule("tan", Precision::Full);

}  // namespace
}  // namespace pt
