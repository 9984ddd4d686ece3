#pragma once
#include <stdint.h>

namespace pt {

// Elements lie one after the other in every array; chunk c is elements [c * chunk, (c + 1) * chunk).
struct AdamDesc {
  int64_t elements, chunk;
  double beta1, beta2, eps, decay;
  bool largest, kept, factor;  // which of the optional inputs there are
};

// Places among the addresses of a launch: the inputs, and behind them as many outputs as AdamDesc::largest says.
enum AdamInput : int { kP, kG, kMean, kSquare, kLargest, kSize, kUnbias, kKept, kFactor, kAdamInputs };

}  // namespace pt
