#include "ops/complex_ends.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), below = 1.0 - a, square = fn::square(b);
  const Tensor size = 0.25 * fn::call("log1p", {(4.0 * a) / (fn::square(below) + square)});
  const Tensor im = 0.5 * fn::call("atan2", {2.0 * b, below * (a + 1.0) - square});
  // At infinity a quarter turn, to the side of the imaginary part; 0 is 0 whatever that is.
  const Tensor endless = either_infinite(a, b), known = fn::logical_and(endless, fn::equal(b, b));
  const Tensor re = fn::where(zero_beside_nan(a, b), a, size);
  return {make_complex(fn::where(endless, fn::copysign(fn::number(0), a), re),
                       fn::where(known, fn::copysign(fn::number(kHalfPi), b), im))};
}

const Op* registered =
    formula_unary("atanh", "x", [](const Tensor& x, const Attrs&) { return fn::number(1) / ((1.0 - x) * (x + 1.0)); })
        .cost(0.9)
        .complex(of_complex)
        .doc(R"(the inverse of tanh, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  infinite at -1 and 1, NaN beyond
Source    the array API standard 2024.12)",
             R"(>>> round(pt.atanh(0.5).item(), 4)
0.5493)");

}  // namespace
}  // namespace pt
