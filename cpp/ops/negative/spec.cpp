#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("negative")
                           .in("x", Takes::Number)
                           .elementwise()
                           .saves({false})
                           .vjp([](const VjpContext& c) -> Tensors { return {-c.grad[0]}; })
                           .complex(on_parts("negative"))
                           .doc(R"(the negative of x, element by element.
Shapes    x [...] -> [...]
Dtypes    all numbers; integers wrap
Errors    bool
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.negative(2.0).item()
-2.0)");

}  // namespace
}  // namespace pt
