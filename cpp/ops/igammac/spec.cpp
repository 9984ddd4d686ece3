#include "ops/igamma/slope.h"

namespace pt {
namespace {

const Op* registered =
    define("igammac")
        .in("a", Takes::Number)
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .cost(40)
        .vjp([](const VjpContext& c) -> Tensors {
          return {Tensor(), -toward_x("igammac", c)};
        })
        .doc(R"(the regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x), element by element.
Shapes    a [...], x [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    complex numbers; shapes that do not broadcast; a gradient by a
Grad      x
Numerics  as igamma for x >= a + 1; below, where Q is small for an a near 0, to some units in the last place of 1
Source    Temme 1979; SciPy, special.gammaincc)",
             R"(>>> round(pt.igammac(2.0, 1.0).item(), 4)
0.7358)");

}  // namespace
}  // namespace pt
