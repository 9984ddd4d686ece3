#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("l1_loss")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .compose([](const Tensors& in, const Attrs&) -> Tensors { return {fn::call("abs", {in[0] - in[1]})}; })
        .doc(R"(the distance of input from the target, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      input, target; 0 where they are equal
Source    PyTorch, nn.functional.l1_loss)",
             R"(>>> pt.ops.functional.OPERATORS["l1_loss"](1.0, 3.0).item()
2.0)");

const AutocastRule rule("l1_loss", Precision::Full);

}  // namespace
}  // namespace pt
