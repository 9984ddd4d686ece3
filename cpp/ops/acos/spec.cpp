#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {
namespace {

// Kahan 1987: by the roots of 1 - z and 1 + z, whose product is never formed where it cancels.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor below = fn::sqrt(1.0 - in[0]), above = fn::sqrt(in[0] + 1.0);
  const Tensor side = imaginary_part(complex_product(fn::call("conj", {above}), below));
  return {make_complex(2.0 * fn::call("atan2", {real_part(below), real_part(above)}), fn::call("asinh", {side}))};
}

const Op* registered = composed_unary(
                           "acos",
                           [](const Tensor& x, const Attrs&) {
                             return fn::call("atan2", {fn::sqrt((1.0 - x) * (x + 1.0)), x});
                           },
                           [](const Tensor& x, const Attrs&) { return -fn::rsqrt((1.0 - x) * (x + 1.0)); })
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
