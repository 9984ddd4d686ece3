#pragma once
#include "ops/ctc_loss/desc.h"

namespace pt::cuda {

struct CtcProblem {
  CtcDesc row;
  int64_t row_bytes;  // of the workspace, for each row
};

}  // namespace pt::cuda
