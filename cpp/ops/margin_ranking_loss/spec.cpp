#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("margin_ranking_loss")
        .in("input1", Takes::Number)
        .in("input2", Takes::Number)
        .in("target", Takes::Number)
        .floats()
        .attr("margin", 0.0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor lead = widened(in[2]) * (widened(in[0]) - widened(in[1]));
          return {fn::cast(hinge(attrs.number("margin") - lead), in[0].dtype())};
        })
        .doc(
            R"(by how much input1 is not above input2 by a margin where the target is 1, and input2 not above input1 where it is -1, per element.
Shapes    input1 [...], input2 [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      input1, input2, target
Source    PyTorch, nn.functional.margin_ranking_loss)",
            R"(>>> pt.ops.functional.OPERATORS["margin_ranking_loss"](1.0, 3.0, 1.0).item()
2.0)");

const AutocastRule rule("margin_ranking_loss", Precision::Full);

}  // namespace
}  // namespace pt
