#pragma once
#include <string>

#include "core/attrs.h"
#include "core/shape.h"

namespace pt {

// The attribute axis of a running op: None for a tensor of one axis.
int running_axis(const Attrs& attrs, const Shape& shape, const std::string& op);

}  // namespace pt
