#include <numbers>

#include "ops/axes.h"
#include "ops/complex.h"

namespace pt {
namespace {

Tensors of_real(const Tensors& in, const Attrs&) {
  const Tensor x = in[0], zero = fn::number(0);
  const Tensor angle = fn::where(fn::less(x, zero), Tensor::full({x.dtype(), {}}, std::numbers::pi), zero);
  return {fn::cast(fn::where(fn::equal(x, x), angle, x), x.dtype())};
}

const Op* registered = define("angle")
                           .in("x", Takes::Number)
                           .floats()
                           .compose(of_real)
                           .complex([](const Tensors& in, const Attrs&) -> Tensors {
                             return {fn::call("atan2", {imaginary_part(in[0]), real_part(in[0])})};
                           })
                           .doc(R"(the angle of x in the complex plane, from -pi to pi, element by element.
Shapes    x [...] -> [...]
Dtypes    complex64 -> float32, complex128 -> float64; of real numbers 0 or pi; integers are computed in float32
Errors    none
Grad      x, where it is complex; 0 at 0
Source    NumPy, angle)",
                                R"(>>> round(pt.angle(pt.complex(0.0, 2.0)).item(), 4)
1.5708)");

}  // namespace
}  // namespace pt
