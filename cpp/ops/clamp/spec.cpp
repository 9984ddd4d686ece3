#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

// By selection, not maximum and minimum: a value on a bound keeps its whole gradient.
const Op* registered =
    define("clamp")
        .in("x", Takes::Number)
        .in("low", Takes::Number)
        .in("high", Takes::Number)
        .elementwise()
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor x = fn::where(fn::less(in[0], in[1]), in[1], in[0]);
          return {fn::where(fn::greater(x, in[2]), in[2], x)};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor &x = c.in[0], &low = c.in[1], &high = c.in[2], &g = c.grad[0], zero = fn::number(0);
          const auto to = [](bool needed, const Tensor& like, const auto& found) {
            return needed ? unbroadcast(found(), like.shape()) : Tensor();
          };
          const auto where_above = [&](const Tensor& value, const Tensor& then, const Tensor& otherwise) {
            return fn::where(fn::greater(value, high), then, otherwise);
          };
          const Tensor below = fn::less(x, low);  // there the result is low, or high where low is above that
          return {to(c.needs[0], x, [&] { return fn::where(below, zero, where_above(x, zero, g)); }),
                  to(c.needs[1], low, [&] { return fn::where(below, where_above(low, zero, g), zero); }),
                  to(c.needs[2], high,
                     [&] { return fn::where(below, where_above(low, g, zero), where_above(x, g, zero)); })};
        })
        .doc(R"(x, but low where it is below, and then high where that is above. What clip does with both bounds.
Shapes    x [...], low [...], high [...] -> [...], broadcast
Dtypes    all numbers
Errors    shapes that do not broadcast
Grad      x, low, high; a value on a bound belongs to x
Source    the array API standard 2024.12, clip)",
             R"(>>> pt.ops.functional.OPERATORS["clamp"](3.0, 0.0, 1.0).item()
1.0)");

}  // namespace
}  // namespace pt
