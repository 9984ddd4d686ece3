#pragma once
#include "cuda/space.h"

namespace pt::cuda {

// An element is infinite or not a number where all bits of its exponent are set. Elements are looked at in words of 32
// bits: the upper half of a double, or two of 16 bits.
struct AllFinite {
  Units units;
  uint32_t upper, lower;  // masks of the exponents in a word; lower is 0 if there is one
};

}  // namespace pt::cuda
