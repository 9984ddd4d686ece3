#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("mse_loss")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .compose([](const Tensors& in, const Attrs&) -> Tensors { return {fn::square(in[0] - in[1])}; })
        .doc(R"(the squared distance of input from the target, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      input, target
Source    PyTorch, nn.functional.mse_loss)",
             R"(>>> pt.ops.functional.OPERATORS["mse_loss"](1.0, 3.0).item()
4.0)");

const AutocastRule rule("mse_loss", Precision::Full);

}  // namespace
}  // namespace pt
