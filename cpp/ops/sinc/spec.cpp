#include "ops/composed.h"

namespace pt {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kNear = 0.5;  // where the series takes over
constexpr int kTerms = 11;     // of it: the last one is below 2^-53 of the first at kNear

// sin(pi x), exactly 0 at whole numbers.
Tensor sine_of_half_turns(const Tensor& x) {
  const Tensor whole = fn::call("round", {x});
  const Tensor odd = fn::call("remainder", {whole, fn::number(2)});
  return (1.0 - 2.0 * odd) * fn::call("sin", {kPi * (x - whole)});
}

Tensor safe(const Tensor& near, const Tensor& x) { return fn::where(near, fn::number(1), x); }

Tensor value(const Tensor& x, const Attrs&) {
  const Tensor zero = fn::equal(x, fn::number(0)), divisor = safe(zero, x);
  return fn::where(zero, fn::number(1), sine_of_half_turns(divisor) / (kPi * divisor));
}

// (cos(pi x) - sinc(x)) / x loses all digits beside 0: there the sum of (-1)^k 2k pi^(2k) x^(2k - 1) / (2k + 1)!.
Tensor slope(const Tensor& x, const Attrs& attrs) {
  const Tensor near = fn::less(fn::abs(x), fn::number(kNear));
  const Tensor square = fn::square(fn::where(near, x, fn::number(0)));
  double coefficient[kTerms + 1], power = 1;
  for (int k = 1; k <= kTerms; ++k) {
    power *= -kPi * kPi / ((2.0 * k) * (2.0 * k + 1.0));
    coefficient[k] = 2.0 * k * power;
  }
  Tensor series = fn::number(coefficient[kTerms]);
  for (int k = kTerms - 1; k >= 1; --k) series = series * square + coefficient[k];
  const Tensor far = safe(near, x);
  const Tensor cosine = fn::call("cos", {kPi * (far - 2.0 * fn::call("round", {0.5 * far}))});
  return fn::where(near, x * series, (cosine - value(far, attrs)) / far);
}

const Op* registered = composed_unary("sinc", "x", value, slope)
                           .doc(R"(sin(pi x) / (pi x), element by element, and 1 at 0.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  0 at whole numbers other than 0
Source    NumPy, sinc)",
                                R"(>>> pt.sinc(0.5).item()
0.6366197466850281)");

}  // namespace
}  // namespace pt
