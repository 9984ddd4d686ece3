#pragma once
#include "cuda/space.h"

namespace pt::cuda {

struct CheckIndex {
  Axes axes;
  int64_t axis_size;
  bool wide_index;  // i64, else i32
};

}  // namespace pt::cuda
