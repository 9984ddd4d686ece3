#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]);
  return {make_complex(fn::call("sin", {a}) * fn::call("cosh", {b}), fn::call("cos", {a}) * fn::call("sinh", {b}))};
}

const Op* registered = define("sin")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(1)
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::call("cos", {c.in[0]})}; })
                           .complex(of_complex)
                           .doc(R"(the sine of x, in radians.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.sin(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
