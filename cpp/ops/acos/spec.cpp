#include <cmath>

#include "ops/autocast.h"
#include "ops/complex_ends.h"

namespace pt {
namespace {

// Kahan 1987: by the roots of 1 - z and 1 + z, whose product is never formed where it cancels.
Tensors of_complex(const Tensors& in, const Attrs&) {
  // By parts, since 1 - z has the imaginary part -b, where b is 0 too.
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]);
  const Tensor below = fn::sqrt(make_complex(1.0 - a, -b)), above = fn::sqrt(make_complex(a + 1.0, b));
  const Tensor side = imaginary_part(complex_product(fn::call("conj", {above}), below));
  const Tensor re = 2.0 * fn::call("atan2", {real_part(below), real_part(above)});
  // Of what is infinite the angle alone; that of 0 is known without the imaginary part.
  const Tensor endless = either_infinite(a, b), turned = fn::where(zero_beside_nan(a, b), fn::number(kHalfPi), re);
  return {make_complex(fn::where(endless, fn::call("atan2", {fn::abs(b), a}), turned),
                       fn::where(endless, -fn::copysign(fn::number(HUGE_VAL), b), fn::call("asinh", {side})))};
}

const Op* registered =
    formula_unary("acos", "x", [](const Tensor& x, const Attrs&) { return -fn::rsqrt((1.0 - x) * (x + 1.0)); })
        .cost(0.6)
        .complex(of_complex)
        .doc(R"(the angle in radians whose cosine is x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  NaN outside -1 to 1
Source    the array API standard 2024.12)",
             R"(>>> pt.acos(1.0).item()
0.0)");

const AutocastRule rule("acos", Precision::Full);

}  // namespace
}  // namespace pt
