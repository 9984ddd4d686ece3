#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

const Op* registered =
    define("gaussian_nll_loss")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .in("var", Takes::Number)
        .floats()
        .attr("full", false)
        .attr("eps", 1e-6, positive)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor x = widened(in[0]), target = widened(in[1]), var = widened(in[2]);
          // The gradient towards a small variance stays: what is added to the floor is 0, with a slope of 1.
          const Tensor low = fn::number(attrs.number("eps"));
          const Tensor nothing = var - fn::call("stop_gradient", {var});
          const Tensor safe = fn::where(fn::less(var, low), low + nothing, var);
          Tensor loss = 0.5 * (fn::log(safe) + fn::square(x - target) / safe);
          if (attrs.flag("full")) loss = loss + kHalfLogTwoPi;
          return {fn::cast(loss, in[0].dtype())};
        })
        .doc(
            R"(minus the logarithm of the density of the target under a normal distribution of mean input and variance var, per element.
Shapes    input [...], target [...], var [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; eps <= 0
Grad      input, target, var
Numerics  a variance below eps counts as eps; the constant log(2 pi) / 2 is added if full
Source    Nix & Weigend 1994)",
            R"(>>> pt.ops.functional.OPERATORS["gaussian_nll_loss"](1.0, 2.0, 1.0).item()
0.5)");

const AutocastRule rule("gaussian_nll_loss", Precision::Full);

}  // namespace
}  // namespace pt
