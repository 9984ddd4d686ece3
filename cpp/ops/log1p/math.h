// The vector function of this name is the formula.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

PT_MATH_LONG(log1p, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
