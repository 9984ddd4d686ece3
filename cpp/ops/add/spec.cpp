#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("add")
                           .in("a", Takes::Number)
                           .in("b", Takes::Number)
                           .elementwise()
                           .saves({false, false})
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {c.needs[0] ? unbroadcast(c.grad[0], c.in_types[0].shape) : Tensor(),
                                     c.needs[1] ? unbroadcast(c.grad[0], c.in_types[1].shape) : Tensor()};
                           })
                           .complex(on_parts("add"))
                           .doc(R"(the sum a + b.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers; integers wrap
Errors    shapes that do not broadcast
Grad      a, b
Source    the array API standard 2024.12)",
                                R"(>>> pt.add(1.0, 2.0).item()
3.0)");

}  // namespace
}  // namespace pt
