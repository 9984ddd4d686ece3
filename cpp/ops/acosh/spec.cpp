#include <cmath>

#include "ops/complex_ends.h"

namespace pt {
namespace {

// Kahan 1987: by the roots of z - 1 and z + 1, whose product is never formed where it cancels.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]);
  const Tensor below = fn::sqrt(make_complex(a - 1.0, b)), above = fn::sqrt(make_complex(a + 1.0, b));
  const Tensor side = real_part(complex_product(fn::call("conj", {below}), above));
  const Tensor im = 2.0 * fn::call("atan2", {imaginary_part(below), real_part(above)});
  // As of acos.
  const Tensor endless = either_infinite(a, b), turned = fn::where(zero_beside_nan(a, b), fn::number(kHalfPi), im);
  return {make_complex(fn::where(endless, fn::number(HUGE_VAL), fn::call("asinh", {side})),
                       fn::where(endless, fn::call("atan2", {b, a}), turned))};
}

const Op* registered =
    formula_unary("acosh", "x", [](const Tensor& x, const Attrs&) { return fn::rsqrt((x - 1.0) * (x + 1.0)); })
        .cost(1.2)
        .complex(of_complex)
        .doc(R"(the inverse of cosh, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  NaN below 1
Source    the array API standard 2024.12)",
             R"(>>> pt.acosh(1.0).item()
0.0)");

}  // namespace
}  // namespace pt
