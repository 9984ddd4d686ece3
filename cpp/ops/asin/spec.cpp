#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {
namespace {

// Kahan 1987: by the roots of 1 - z and 1 + z, whose product is never formed where it cancels.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor below = fn::sqrt(1.0 - in[0]), above = fn::sqrt(in[0] + 1.0);
  const Tensor both = real_part(complex_product(below, above));
  const Tensor side = imaginary_part(complex_product(fn::call("conj", {below}), above));
  return {make_complex(fn::call("atan2", {real_part(in[0]), both}), fn::call("asinh", {side}))};
}

const Op* registered = composed_unary(
                           "asin",
                           [](const Tensor& x, const Attrs&) {
                             return fn::call("atan2", {x, fn::sqrt((1.0 - x) * (x + 1.0))});
                           },
                           [](const Tensor& x, const Attrs&) { return fn::rsqrt((1.0 - x) * (x + 1.0)); })
                           .complex(of_complex)
                           .doc(R"(the angle in radians whose sine is x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  NaN outside -1 to 1
Source    the array API standard 2024.12)",
                                R"(>>> round(pt.asin(1.0).item(), 4)
1.5708)");

const AutocastRule rule("asin", Precision::Full);

}  // namespace
}  // namespace pt
