#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kRootTwoOverPi = 0.79788456080286536;  // sqrt(2 / pi)
constexpr double kCubic = 0.044715;                     // Hendrycks & Gimpel 2016

// The tanh form is x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3). Both tails come from a sigmoid of their
// own: 1 - sigmoid would lose the digits of a small one.
struct Parts {
  Tensor above, below, slope;  // sigmoid(2 u), sigmoid(-2 u), the derivative of 2 u
};

Parts parts(const Tensor& x) {
  const Tensor xx = fn::square(x), argument = (2 * kRootTwoOverPi) * (x * (kCubic * xx + 1.0));
  return {fn::call("sigmoid", {argument}), fn::call("sigmoid", {-argument}),
          (2 * kRootTwoOverPi) * (3 * kCubic * xx + 1.0)};
}

const Op* registered = define("gelu_tanh_grad")
                           .in("x", Takes::Float)
                           .in("g", Takes::Float)
                           .elementwise()
                           .cost(2)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             const auto [above, below, slope] = parts(in[0]);
                             return {in[1] * (above + in[0] * (above * below * slope))};
                           })
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Tensor x = c.in[0], g = c.in[1];
                             Tensor dx, dg;
                             if (c.needs[0]) {
                               const auto [above, below, slope] = parts(x);
                               const Tensor bend = (12 * kRootTwoOverPi * kCubic) * x;
                               const Tensor second =
                                   above * below * (2.0 * slope + x * ((below - above) * fn::square(slope) + bend));
                               dx = unbroadcast(c.grad[0] * g * second, x.shape());
                             }
                             if (c.needs[1]) dg = unbroadcast(fn::call("gelu_tanh_grad", {x, c.grad[0]}), g.shape());
                             return {dx, dg};
                           })
                           .doc(R"(the gradient g of the tanh form of gelu(x) as one of x.
Shapes    x [...], g [...] -> [...]
Dtypes    floats
Errors    integers, bool, complex numbers; shapes that do not broadcast
Grad      x, g
Source    that of gelu_tanh)",
                                R"(>>> pt.ops.functional.OPERATORS["gelu_tanh_grad"](0.0, 1.0).item()
0.5)");

}  // namespace
}  // namespace pt
