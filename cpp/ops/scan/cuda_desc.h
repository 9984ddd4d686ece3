// What the plan of a running op tells its kernels on a GPU.
#pragma once
#include "cuda/space.h"
#include "ops/scan/desc.h"

namespace pt::cuda {

struct ScanLines {
  Axes lines;                  // the other axes; a: x, b: out
  int64_t n;                   // elements of a line
  int64_t stride, out_stride;  // along the axis, in bytes
  FusedStorage from;
  ScanKind kind;
  bool reverse;
  bool initial;  // out begins with what there is before the first element
};

constexpr int kScanThreads = 256;
constexpr int kScanTile = 2048;  // elements of a long line that a block reads at once

}  // namespace pt::cuda
