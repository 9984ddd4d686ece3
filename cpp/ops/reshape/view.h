// Memory under another shape.
#pragma once
#include <optional>

#include "ops/op.h"

namespace pt {

// The elements of a view in row-major order under another shape of as many; nothing where no strides say that.
std::optional<View> reshaped(const Operand& in, const Shape& to);

}  // namespace pt
