#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("divide")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .floats()
        .elementwise()
        .cost(0.25)
        .saves({false, true}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor over = c.grad[0] / c.in[1];
          return {c.needs[0] ? unbroadcast(over, c.in_types[0].shape) : Tensor(),
                  c.needs[1] ? unbroadcast(-(over * c.out[0]), c.in_types[1].shape) : Tensor()};
        })
        .complex([](const Tensors& in, const Attrs&) -> Tensors { return {complex_quotient(in[0], in[1])}; })
        .doc(R"(the quotient a / b.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, b
Numerics  division by zero gives infinity or NaN, as IEEE says
Source    the array API standard 2024.12)",
             R"(>>> pt.divide(3.0, 2.0).item()
1.5)");

}  // namespace
}  // namespace pt
