// What generators draw beyond what an op makes of their state alone.
#pragma once
#include "core/slot.h"
#include "core/tensor.h"
#include "ops/op.h"

namespace pt {

// The `range` integers from `start` on, each as likely as a float64 in [0, 1) makes it: int64. See draw().
Tensor draw_integers(const SlotRef& generator, Ints shape, int64_t start, int64_t range);

}  // namespace pt
