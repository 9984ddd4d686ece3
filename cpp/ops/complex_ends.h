// The ends of complex functions: what is infinite, or has no angle, has a result of its own where the formula gives
// NaN, since 0 times infinity and a sine of infinity are NaN. Where the standard leaves a sign open it is that of the
// formula.
#pragma once
#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {

inline constexpr double kHalfPi = 1.57079632679489661923;

inline Tensor either_infinite(const Tensor& re, const Tensor& im) {
  return fn::logical_or(fn::call("isinf", {re}), fn::call("isinf", {im}));
}

// Where an angle has no sine: infinite, or NaN.
inline Tensor no_angle(const Tensor& im) { return fn::call("logical_not", {fn::call("isfinite", {im})}); }

inline Tensor zero_beside_nan(const Tensor& zero, const Tensor& nan) {
  return fn::logical_and(fn::equal(zero, fn::number(0)), fn::call("isnan", {nan}));
}

}  // namespace pt
