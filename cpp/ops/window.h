// The attributes of convolutions and poolings: one number for both axes, or one per axis (rows, then columns).
#pragma once
#include <array>
#include <utility>

#include "ops/op.h"

namespace pt {

std::pair<int64_t, int64_t> pair_of(const Attrs& attrs, std::string_view name, const std::string& op);
// Of volumes: one number for all axes, or one per axis (planes, rows, columns).
std::array<int64_t, 3> triple_of(const Attrs& attrs, std::string_view name, const std::string& op);

// Begins the spec of a convolution: x, w and an optional b; stride, padding, dilation and groups.
OpBuilder convolution(const std::string& name);

}  // namespace pt
