// Stable sorting along an axis, and searching in what is sorted. NaN comes after every number, and zeros of both signs
// are equal.
#pragma once
#include "core/launch.h"

namespace pt {

// out is i64, of x's shape: the position of the smallest element first, or of the largest.
LaunchPlan plan_argsort(const Operand& x, const Operand& out, int axis, bool descending);

// row has one axis and the dtype of values; out is i64: before equal elements, or behind them if `right`.
LaunchPlan plan_searchsorted(const Operand& row, const Operand& values, const Operand& out, bool right);

}  // namespace pt
