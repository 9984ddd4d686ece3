#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kRootHalf = 0.70710678118654752;    // sqrt(1/2)
constexpr double kDensityAt0 = 0.39894228040143268;  // 1 / sqrt(2 pi)

// Its own gradient comes from the definition.
const Op* registered =
    define("gelu_erf_grad")
        .in("x", Takes::Float)
        .in("g", Takes::Float)
        .elementwise()
        .cost(2)
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor density = kDensityAt0 * fn::exp(-0.5 * fn::square(in[0]));
          const Tensor below = 0.5 * (fn::call("erf", {kRootHalf * in[0]}) + 1.0);
          return {in[1] * (below + in[0] * density)};
        })
        .doc(
            R"(the gradient g of gelu(x) as one of x: g (P(x) + x p(x)), with the normal distribution P and its density p.
Shapes    x [...], g [...] -> [...]
Dtypes    floats
Errors    integers, bool, complex numbers; shapes that do not broadcast
Grad      x, g
Source    that of gelu_erf)",
            R"(>>> pt.ops.functional.OPERATORS["gelu_erf_grad"](0.0, 1.0).item()
0.5)");

}  // namespace
}  // namespace pt
