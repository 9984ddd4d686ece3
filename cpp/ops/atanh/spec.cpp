#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), below = 1.0 - a, square = fn::square(b);
  const Tensor size = 0.25 * fn::call("log1p", {(4.0 * a) / (fn::square(below) + square)});
  return {make_complex(size, 0.5 * fn::call("atan2", {2.0 * b, below * (a + 1.0) - square}))};
}

const Op* registered = composed_unary(
                           "atanh",
                           [](const Tensor& x, const Attrs&) {
                             const Tensor a = fn::abs(x);
                             return fn::copysign(0.5 * fn::log1p((2.0 * a) / (1.0 - a)), x);
                           },
                           [](const Tensor& x, const Attrs&) { return fn::number(1) / ((1.0 - x) * (x + 1.0)); })
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
