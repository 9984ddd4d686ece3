// Reading elements by index. An index counts from the end when negative; one out of range raises kStatusBadIndex and
// gives zeros.
#pragma once
#include "core/launch.h"

namespace pt {

// As NumPy's take: out has the shape table[:axis] + index + table[axis + 1:]. index is i32 or i64.
LaunchPlan plan_gather(const Operand& table, const Operand& index, const Operand& out, int axis);

// As NumPy's take_along_axis: x and index broadcast against each other except along the axis.
LaunchPlan plan_take_along(const Operand& x, const Operand& index, const Operand& out, int axis);

}  // namespace pt
