#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

constexpr double kTwoPi = 6.28318530717958647693;

const Op* registered =
    elementwise_loss("poisson_nll_loss",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       Tensor value;
                       if (attrs.flag("log_input")) {
                         value = fn::exp(x) - target * x;
                       } else {
                         value = x - target * fn::log(x + attrs.number("eps"));
                       }
                       if (!attrs.flag("full")) return value;
                       // Stirling's approximation of log(target!), above 1.
                       const Tensor one = fn::number(1), counted = fn::greater(target, one),
                                    safe = fn::where(counted, target, one);
                       const Tensor stirling = safe * fn::log(safe) - safe + 0.5 * fn::log(kTwoPi * safe);
                       return value + fn::where(counted, stirling, fn::number(0));
                     })
        .attr("log_input", true)
        .attr("full", false)
        .attr("eps", 1e-8, positive)
        .doc(
            R"(minus the logarithm of the probability of the target under a Poisson distribution of rate exp(input), or input, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; eps <= 0
Grad      input, target
Numerics  with full, Stirling's approximation of log(target!) is added for targets above 1
Source    PyTorch, nn.functional.poisson_nll_loss)",
            R"(>>> pt.ops.functional.OPERATORS["poisson_nll_loss"](0.0, 3.0).item()
1.0)");

const AutocastRule rule("poisson_nll_loss", Precision::Full);

}  // namespace
}  // namespace pt
