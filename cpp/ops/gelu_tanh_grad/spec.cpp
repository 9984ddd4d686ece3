#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kRootTwoOverPi = 0.79788456080286536;  // sqrt(2 / pi)
constexpr double kCubic = 0.044715;                     // Hendrycks & Gimpel 2016

// Its own gradient comes from the definition.
const Op* registered = define("gelu_tanh_grad")
                           .in("x", Takes::Number)
                           .in("g", Takes::Number)
                           .elementwise()
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             const Tensor x = in[0], xx = fn::square(x);
                             const Tensor t = fn::call("tanh", {kRootTwoOverPi * (x * (kCubic * xx + 1.0))});
                             const Tensor slope = kRootTwoOverPi * (3.0 * kCubic * xx + 1.0);
                             return {in[1] * (0.5 * (t + 1.0) + 0.5 * x * ((1.0 - t * t) * slope))};
                           })
                           .doc(R"(the gradient g of the tanh form of gelu(x) as one of x.
Shapes    x [...], g [...] -> [...]
Dtypes    floats
Grad      x, g)");

}  // namespace
}  // namespace pt
