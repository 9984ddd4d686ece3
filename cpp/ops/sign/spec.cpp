#include <cmath>

#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The number of size 1 in the same direction; 0 of 0, with a gradient of 0, as over an infinite size.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor size = fn::call("abs", {in[0]});
  const Tensor divisor = fn::where(fn::equal(size, fn::number(0)), fn::number(HUGE_VAL), size);
  return {make_complex(real_part(in[0]) / divisor, imaginary_part(in[0]) / divisor)};
}

const Op* registered = define("sign")
                           .in("x", Takes::Number)
                           .elementwise()
                           .no_gradient()
                           .complex(of_complex)
                           .doc(R"(-1, 0 or 1, as x is below, at or above zero; NaN stays NaN.
Shapes    x [...] -> [...]
Dtypes    all numbers
Errors    bool
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.sign(-2.0).item()
-1.0)");

}  // namespace
}  // namespace pt
