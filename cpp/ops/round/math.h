// The vector operation of this name is the formula; of integers, the integer.
#pragma once
#include "simd/formula.h"
#include "simd/whole.h"

namespace pt {
namespace PT_ISA {

PT_WHOLE(round)
PT_MATH(round, 1, Number);

}  // namespace PT_ISA
}  // namespace pt
