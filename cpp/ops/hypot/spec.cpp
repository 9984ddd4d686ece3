#include <limits>

#include "ops/composed.h"

namespace pt {
namespace {

// What the gradient is divided by: at the origin, where no direction is the steepest, it is 0 over 1.
Tensor length_of(const Tensor& a, const Tensor& b) {
  const Tensor length = fn::call("hypot", {a, b});
  return fn::where(fn::equal(length, fn::number(0)), fn::number(1), length);
}

const Op* registered = composed_binary(
                           "hypot", "a", "b",
                           [](const Tensor& a, const Tensor& b) {
                             const Tensor x = fn::abs(a), y = fn::abs(b), top = fn::maximum(x, y), zero = fn::number(0);
                             // By the ratio, so that no square overflows.
                             const Tensor ratio = fn::minimum(x, y) / top,
                                          length = top * fn::sqrt(fn::square(ratio) + 1.0);
                             const Tensor infinite = fn::logical_or(fn::call("isinf", {a}), fn::call("isinf", {b}));
                             const Tensor infinity = fn::number(std::numeric_limits<double>::infinity());
                             return fn::where(infinite, infinity, fn::where(fn::equal(top, zero), zero, length));
                           },
                           [](const Tensor& a, const Tensor& b) { return a / length_of(a, b); },
                           [](const Tensor& a, const Tensor& b) { return b / length_of(a, b); })
                           .elementwise()
                           .cost(0.8)
                           .doc(R"(the length of the vector (a, b), element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, b; 0 where both are 0
Numerics  nothing overflows but the length itself; infinite where either is, whatever the other
Source    the array API standard 2024.12)",
                                R"(>>> pt.hypot(3.0, 4.0).item()
5.0)");

}  // namespace
}  // namespace pt
