#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The gradient at 0 is 0: the length of (0, 0) has none.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor re = real_part(in[0]), im = imaginary_part(in[0]), zero = fn::number(0);
  const Tensor nothing = fn::call("logical_and", {fn::equal(re, zero), fn::equal(im, zero)});
  return {fn::where(nothing, zero, fn::call("hypot", {fn::where(nothing, fn::number(1), re), im}))};
}

const Op* registered =
    define("abs")
        .in("x", Takes::Number)
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::call("sign", {c.in[0]})}; })
        .complex(of_complex)
        .doc(R"(the absolute value of x, element by element.
Shapes    x [...] -> [...]
Dtypes    all numbers; the least integer wraps to itself
Errors    bool
Grad      x; 0 at 0
Source    the array API standard 2024.12)",
             R"(>>> pt.abs(-2.0).item()
2.0)");

}  // namespace
}  // namespace pt
