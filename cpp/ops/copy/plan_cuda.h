// Copies on a GPU, between any two layouts of the same shape and dtype.
#pragma once
#include "core/launch.h"

namespace pt::cuda {

// One launch; none for an empty tensor.
LaunchPlan plan_copy(const Operand& in, const Operand& out);

}  // namespace pt::cuda
