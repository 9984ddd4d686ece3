#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The root whose real part is not negative: half of |z| + |re z| cancels nothing.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor re = real_part(in[0]), im = imaginary_part(in[0]), zero = fn::number(0);
  const Tensor half = 0.5 * (fn::call("abs", {re}) + fn::call("abs", {in[0]}));
  const Tensor nothing = fn::equal(half, zero), root = fn::sqrt(fn::where(nothing, fn::number(1), half));
  const Tensor large = fn::where(nothing, zero, root), small = fn::where(nothing, im, im / (2.0 * root));
  const Tensor left = fn::less(re, zero);
  return {make_complex(fn::where(left, fn::call("abs", {small}), large),
                       fn::where(left, fn::call("copysign", {large, im}), small))};
}

const Op* registered = define("sqrt")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.3)
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (2.0 * c.out[0])}; })
                           .complex(of_complex)
                           .doc(R"(the square root of x, correctly rounded.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x; infinite at 0
Numerics  NaN below 0
Source    the array API standard 2024.12)",
                                R"(>>> pt.sqrt(4.0).item()
2.0)");

}  // namespace
}  // namespace pt
