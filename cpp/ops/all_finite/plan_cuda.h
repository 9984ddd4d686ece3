// The check that a guard reads, on a GPU: raises kStatusNonFinite when an element is infinite or not a number.
#pragma once
#include "core/launch.h"

namespace pt::cuda {

// f32, f64, f16 or bf16, any strides; of integers nothing is launched.
LaunchPlan plan_all_finite(const Operand& in);

}  // namespace pt::cuda
