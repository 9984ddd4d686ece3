// The vector operation of this name is the formula.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

PT_MATH(abs, 1, Number);

}  // namespace PT_ISA
}  // namespace pt
