// The inverse of the normal distribution function; simd/error_function.h has the formula.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

PT_MATH(normal_quantile, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
