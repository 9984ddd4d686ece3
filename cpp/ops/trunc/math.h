// The vector operation of this name is the formula.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

PT_MATH(trunc, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
