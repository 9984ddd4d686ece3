#include "ops/igamma/slope.h"

namespace pt {
namespace {

const Op* registered = define("igamma")
                           .in("a", Takes::Number)
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(40)
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {Tensor(), toward_x("igamma", c)};
                           })
                           .doc(R"(the regularized lower incomplete gamma function P(a, x), element by element.
Shapes    a [...], x [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    complex numbers; shapes that do not broadcast; a gradient by a
Grad      x
Numerics  some units in the last place near the largest slope, and as many as a change of x by one unit makes elsewhere;
          1 at infinity and for a = 0; NaN where a or x is below 0
Source    Temme 1979; SciPy, special.gammainc)",
                                R"(>>> round(pt.igamma(2.0, 1.0).item(), 4)
0.2642)");

}  // namespace
}  // namespace pt
