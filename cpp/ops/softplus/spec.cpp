#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

// Beyond the threshold, where there is one, the result is x itself.
Tensor with_threshold(const Tensor& scaled, const Tensor& below, const Tensor& beyond, const Attrs& attrs) {
  if (!attrs.has("threshold")) return below;
  return fn::where(fn::greater(scaled, fn::number(attrs.number("threshold"))), beyond, below);
}

Tensor scaled_by_beta(const Tensor& x, const Attrs& attrs) {
  const double beta = attrs.number("beta");
  return beta == 1 ? x : beta * x;
}

Tensor value(const Tensor& x, const Attrs& attrs) {
  const Tensor scaled = scaled_by_beta(x, attrs), y = fn::softplus(scaled);
  const double beta = attrs.number("beta");
  return with_threshold(scaled, beta == 1 ? y : y / fn::number(beta), x, attrs);
}

Tensor slope(const Tensor& x, const Attrs& attrs) {
  const Tensor scaled = scaled_by_beta(x, attrs);
  return with_threshold(scaled, fn::sigmoid(scaled), fn::number(1), attrs);
}

const Op* registered =
    composed_unary("softplus", "input", value, slope)
        .attr("beta", 1.0, positive)
        .attr_nullable("threshold", AttrKind::Number)
        .doc(
            R"(log(1 + exp(beta input)) / beta, a smooth relu; input itself where beta input is above the threshold, if there is one.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    beta <= 0
Grad      input
Numerics  through log1p_exp, which cannot overflow: no threshold is needed
Source    Dugas et al. 2001)",
            R"(>>> round(pt.nn.functional.softplus(0.0).item(), 4)
0.6931)");

const AutocastRule rule("softplus", Precision::Full);

}  // namespace
}  // namespace pt
