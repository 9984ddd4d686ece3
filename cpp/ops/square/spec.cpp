#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("square")
        .in("x", Takes::Number)
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * (2.0 * c.in[0])}; })
        .complex([](const Tensors& in, const Attrs&) -> Tensors { return {complex_product(in[0], in[0])}; })
        .doc(R"(x times x, element by element.
Shapes    x [...] -> [...]
Dtypes    all numbers; integers wrap
Errors    bool
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.square(3.0).item()
9.0)");

}  // namespace
}  // namespace pt
