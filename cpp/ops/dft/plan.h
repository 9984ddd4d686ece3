#pragma once
#include "core/attrs.h"
#include "core/launch.h"
#include "ops/dft/desc.h"

namespace pt {

struct DftLines {
  DftKind kind = kDftComplex;
  int64_t n = 0;  // of a line, in numbers on the side that has most
  bool inverse = false;
  double scale = 1;
};
DftLines lines_of_dft(const Operand& in, const Attrs& attrs);
DftLines lines_of_real_dft(const Operand& in, const Attrs& attrs);
DftLines lines_of_real_dft_inverse(const Operand& in, const Attrs& attrs);

// The transform of each line, row-major on both sides, whose last axis is real numbers or pairs of parts before it. All
// but the chunks.
DftDesc describe_dft(const Operand& in, const DftLines& lines);
double dft_flops(const DftDesc& d);  // of one line

}  // namespace pt
