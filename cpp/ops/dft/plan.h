#pragma once
#include "core/launch.h"
#include "ops/dft/desc.h"

namespace pt {

struct DftLines {
  DftKind kind = kDftComplex;
  int64_t n = 0;  // of a line, in numbers on the side that has most
  bool inverse = false;
  double scale = 1;
};

// The transform of each line, row-major on both sides, whose last axis is real numbers or pairs of parts before it.
LaunchPlan plan_dft(const Operand& in, const Operand& out, const DftLines& lines);

}  // namespace pt
