#include <cmath>

#include "ops/composed.h"

namespace pt {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int64_t kMost = 20;  // the coefficients of its definition are numbers of float32

// The n-th derivative of pi cot(pi x), by its cotangent c: P' becomes -(1 + c^2) P', as cot' = -(1 + cot^2).
Tensor derivative_of_cotangent(const Tensor& cotangent, int64_t n) {
  std::vector<double> p{0, kPi};
  for (int64_t i = 0; i < n; ++i) {
    std::vector<double> next(p.size() + 1, 0.0);
    for (std::size_t k = 1; k < p.size(); ++k) {
      const double slope = -kPi * static_cast<double>(k) * p[k];
      next[k - 1] += slope;
      next[k + 1] += slope;
    }
    p = std::move(next);
  }
  Tensor sum = fn::number(p.back());
  for (std::size_t k = p.size() - 1; k-- > 0;) sum = sum * cotangent + p[k];
  return sum;
}

// n! zeta(n + 1, x) with the sign of (-1)^(n + 1), for x >= 0.
Tensor of_positive(const Tensor& x, int64_t n) {
  const double factorial = std::tgamma(static_cast<double>(n) + 1.0);
  return (n % 2 == 0 ? -factorial : factorial) *
         fn::call("hurwitz_zeta", {fn::number(static_cast<double>(n) + 1.0), x});
}

Tensor value(const Tensor& x, const Attrs& attrs) {
  const int64_t n = attrs.integer("n");
  if (n > kMost) {
    throw ShapeError(text("[polygamma] n = ", n, "; expected 0 to ", kMost, "; take fewer derivatives"));
  }
  if (n == 0) return fn::call("digamma", {x});
  const Tensor zero = fn::number(0), one = fn::number(1), negative = fn::less(x, zero);
  // (-1)^n psi(1 - x) - psi(x) is the derivative of pi cot(pi x).
  const Tensor t = fn::where(negative, 1.0 - x, x), here = fn::where(negative, x, fn::number(0.5));
  const Tensor angle = kPi * (here - fn::call("round", {here}));
  const Tensor cotangent = fn::call("cos", {angle}) / fn::call("sin", {angle});
  const Tensor direct = of_positive(t, n);
  const Tensor mirrored = (n % 2 == 0 ? 1.0 : -1.0) * direct - derivative_of_cotangent(cotangent, n);
  return fn::where(negative, mirrored, direct);
}

Attrs next(const Attrs& attrs) { return {{"n", attrs.integer("n") + 1}}; }

const Op* registered =
    composed_unary("polygamma", "x", value,
                   [](const Tensor& x, const Attrs& attrs) { return fn::call("polygamma", {x}, next(attrs)); })
        .attr_count("n", 0)
        .doc(R"(the n-th derivative of digamma, element by element; digamma itself for n = 0.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers; n below 0 or above 20
Grad      x
Numerics  infinite at 0, -1, -2... for odd n
Source    Abramowitz & Stegun 1964, 6.4.10 and 6.4.7)",
             R"(>>> round(pt.polygamma(1, 1.0).item(), 4)
1.6449)");

}  // namespace
}  // namespace pt
