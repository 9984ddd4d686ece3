#pragma once
#include "core/launch.h"

namespace pt {

// The transform of each line along the axis before the last, which holds real and imaginary parts; both row-major.
LaunchPlan plan_dft(const Operand& in, const Operand& out, bool inverse);

}  // namespace pt
