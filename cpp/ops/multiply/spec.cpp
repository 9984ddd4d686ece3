#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("multiply")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors {
          return {c.needs[0] ? unbroadcast(c.grad[0] * c.in[1], c.in_types[0].shape) : Tensor(),
                  c.needs[1] ? unbroadcast(c.grad[0] * c.in[0], c.in_types[1].shape) : Tensor()};
        })
        .complex([](const Tensors& in, const Attrs&) -> Tensors { return {complex_product(in[0], in[1])}; })
        .doc(R"(the product a b, element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers; integers wrap
Errors    shapes that do not broadcast
Grad      a, b
Source    the array API standard 2024.12)",
             R"(>>> pt.multiply(3.0, 2.0).item()
6.0)");

}  // namespace
}  // namespace pt
