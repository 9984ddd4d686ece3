#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {
namespace {

// Of i z, turned back: -i asin(i z).
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor turned = fn::call("asin", {make_complex(-imaginary_part(in[0]), real_part(in[0]))});
  return {make_complex(imaginary_part(turned), -real_part(turned))};
}

const Op* registered =
    formula_unary("asinh", "x", [](const Tensor& x, const Attrs&) { return fn::rsqrt(fn::square(x) + 1.0); })
        .cost(1.2)
        .complex(of_complex)
        .doc(R"(the inverse of sinh, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> round(pt.asinh(1.0).item(), 4)
0.8814)");

}  // namespace
}  // namespace pt
