#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    elementwise_loss("kl_div",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       if (attrs.flag("log_target")) return fn::exp(target) * (target - x);
                       return fn::call("xlogy", {target, target}) - target * x;
                     })
        .attr("log_target", false)
        .doc(
            R"(target times (log(target) - input), input being a log-probability, per element: its sum is the Kullback-Leibler divergence.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast
Grad      input, target
Numerics  0 where the target is 0; a target that is a logarithm needs log_target
Source    PyTorch, nn.functional.kl_div)",
            R"(>>> pt.ops.functional.OPERATORS["kl_div"](0.0, 1.0).item()
0.0)");

const AutocastRule rule("kl_div", Precision::Full);

}  // namespace
}  // namespace pt
