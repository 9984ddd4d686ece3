#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered = define("copy")
                           .in("x")
                           .batch(batch_leading)
                           .shape([](const InferContext& c) -> Types { return {c.in[0]}; })
                           .same_elsewhere()
                           .saves({false})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0]}; })
                           .complex()
                           .doc(R"(x in memory of its own, row-major.
Shapes    x [...] -> [...]
Dtypes    all
Grad      x)",
                                R"(>>> pt.ops.functional.OPERATORS["copy"](1.0).item()
1.0)");

}  // namespace
}  // namespace pt
