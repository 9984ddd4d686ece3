// simd/hyperbolic.h has the formula.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

PT_MATH(sinh, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
