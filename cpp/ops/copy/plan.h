// Copies between any two layouts of the same shape and dtype: a transposed, flipped, sliced or broadcast input made
// row-major, or a row-major one written into a strided place.
#pragma once
#include "core/launch.h"

namespace pt {

LaunchPlan plan_copy(const Operand& in, const Operand& out);

}  // namespace pt
