// Resampling along one axis: each element of the result is a weighted sum of a few of x.
#pragma once
#include <vector>

#include "ops/functional.h"

namespace pt {

// One of the terms of every element: where along the axis it is read, and its weight.
struct Tap {
  Ints place;
  std::vector<double> weight;
};

// The sum of the taps, whose first with a weight of 1 everywhere and no second is a plain take.
Tensor resampled(const Tensor& x, int axis, const std::vector<Tap>& taps);

}  // namespace pt
