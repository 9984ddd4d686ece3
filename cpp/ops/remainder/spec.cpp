#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("remainder")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .elementwise()
        .cost(4)
        .vjp([](const VjpContext& c) -> Tensors {
          return {c.needs[0] ? unbroadcast(c.grad[0], c.in_types[0].shape) : Tensor(),
                  c.needs[1]
                      ? unbroadcast(-(c.grad[0] * fn::call("floor_divide", {c.in[0], c.in[1]})), c.in_types[1].shape)
                      : Tensor()};
        })
        .doc(R"(a - floor(a / b) b: what division leaves, with the sign of b.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers; an integer remainder by 0 is 0
Errors    shapes that do not broadcast
Grad      a, b
Source    the array API standard 2024.12)",
             R"(>>> pt.remainder(-7.0, 3.0).item()
2.0)");

}  // namespace
}  // namespace pt
