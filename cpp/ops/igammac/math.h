// simd/incomplete_gamma.h has the formula.
#pragma once
#include "simd/formula.h"
#include "simd/incomplete_gamma.h"

namespace pt {
namespace PT_ISA {

PT_MATH_LONG(igammac, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
