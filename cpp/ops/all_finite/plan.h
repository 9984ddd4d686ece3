// The check that a guard reads: raises kStatusNonFinite when an element is infinite or not a number. No output.
#pragma once
#include "core/launch.h"

namespace pt {

// f32, f64, f16 or bf16, any strides.
LaunchPlan plan_all_finite(const Operand& in);

}  // namespace pt
