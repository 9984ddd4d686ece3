#include "ops/autocast.h"
#include "ops/complex_ends.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), size = fn::exp(a), angle = imaginary_part(in[0]);
  // An infinite size times a sine of 0 is 0, not NaN; a size of 0 or infinity stays one whatever the angle.
  const Tensor straight = fn::equal(angle, fn::number(0));
  const Tensor alone = fn::logical_and(no_angle(angle), fn::call("isinf", {a}));
  const Tensor nothing = fn::logical_and(alone, fn::less(a, fn::number(0)));
  const Tensor im = fn::where(straight, angle, size * fn::call("sin", {angle}));
  return {make_complex(fn::where(alone, size, size * fn::call("cos", {angle})), fn::where(nothing, size, im))};
}

const Op* registered = define("exp")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.5)
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * c.out[0]}; })
                           .complex(of_complex)
                           .doc(R"(e to the power of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  overflows to infinity above 88.7 in float32
Source    the array API standard 2024.12)",
                                R"(>>> pt.exp(0.0).item()
1.0)");

const AutocastRule rule("exp", Precision::Full);

}  // namespace
}  // namespace pt
