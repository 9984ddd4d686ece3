#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered =
    define("guard")
        .in("x", Takes::Float)
        .attr("skip", false)
        .guards()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types { return {c.in[0]}; })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0]}; })
        .doc(R"(x, once all of it is known to be finite. Nothing that is written after it happens when it is not.
Shapes    x [...] -> [...]
Dtypes    floats
Errors    NonFiniteError for an infinite element or NaN; in a compiled step the call raises it
Grad      x)",
             R"(>>> pt.ops.functional.OPERATORS["guard"](1.0).item()
1.0)");

}  // namespace
}  // namespace pt
