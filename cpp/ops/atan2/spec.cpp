#include <cmath>

#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("atan2")
        .in("y", Takes::Number)
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor y = widened(c.in[0]), x = widened(c.in[1]);
          // At the origin no direction is the steepest: 0, as over an infinite length.
          const Tensor size = fn::square(x) + fn::square(y), infinity = fn::number(HUGE_VAL);
          const Tensor share = widened(c.grad[0]) / fn::where(fn::equal(size, fn::number(0)), infinity, size);
          const auto towards = [&](const Tensor& gradient, int i) {
            return fn::cast(unbroadcast(gradient, c.in_types[i].shape), c.in_types[i].dtype);
          };
          return {c.needs[0] ? towards(share * x, 0) : Tensor(), c.needs[1] ? towards(-(share * y), 1) : Tensor()};
        })
        .doc(R"(the angle in radians of the point (x, y) from the positive x axis, element by element.
Shapes    y [...], x [...] -> [...], broadcast; between -pi and pi
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      y, x; 0 at the origin
Numerics  signs of zeros and infinities count, as in C
Source    the array API standard 2024.12)",
             R"(>>> round(pt.atan2(1.0, -1.0).item(), 4)
2.3562)");

}  // namespace
}  // namespace pt
