#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// Of i z, turned back: -i atanh(i z).
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor turned = fn::call("atanh", {make_complex(-imaginary_part(in[0]), real_part(in[0]))});
  return {make_complex(imaginary_part(turned), -real_part(turned))};
}

const Op* registered =
    define("atan")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (fn::square(c.in[0]) + 1.0)}; })
        .complex(of_complex)
        .doc(R"(the angle in radians whose tangent is x, element by element.
Shapes    x [...] -> [...], between -pi/2 and pi/2
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> round(pt.atan(1.0).item(), 4)
0.7854)");

}  // namespace
}  // namespace pt
