// The specs of convolutions and poolings.
#pragma once
#include "ops/op.h"
#include "ops/window_sizes.h"

namespace pt {

// Begins the spec of a convolution: x, w and an optional b; stride, padding, dilation and groups.
OpBuilder convolution(const std::string& name);

}  // namespace pt
