#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("maximum")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor a = c.in[0], b = c.in[1], zero = fn::number(0);
          // Ties share equally.
          const Tensor shared = fn::where(fn::equal(a, b), 0.5 * c.grad[0], c.grad[0]);
          return {c.needs[0] ? unbroadcast(fn::where(fn::less(a, b), zero, shared), a.shape()) : Tensor(),
                  c.needs[1] ? unbroadcast(fn::where(fn::less(b, a), zero, shared), b.shape()) : Tensor()};
        })
        .doc(R"(the larger of a and b, element by element; NaN where either is NaN.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers
Errors    shapes that do not broadcast
Grad      a, b; half to each where they are equal
Source    the array API standard 2024.12)",
             R"(>>> pt.maximum(1.0, 2.0).item()
2.0)");

}  // namespace
}  // namespace pt
