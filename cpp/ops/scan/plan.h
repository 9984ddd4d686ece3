// Running sums, products and positions of the largest or smallest element so far, along one axis.
#pragma once
#include "core/launch.h"
#include "ops/scan/desc.h"

namespace pt {

// Sums and products: out has x's dtype, or i64 for integers. Positions are i64; NaN counts as the largest, and as the
// smallest, and the last of equal elements is named. From the end with `reverse`; with `initial`, out has one element
// more along the axis and begins with 0 or 1.
LaunchPlan plan_scan(ScanKind kind, const Operand& x, const Operand& out, int axis, bool reverse, bool initial);

}  // namespace pt
