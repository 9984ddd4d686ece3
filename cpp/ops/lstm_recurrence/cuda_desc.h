#pragma once
#include <stdint.h>

namespace pt::cuda {

struct LstmProblem {
  int64_t batch, steps, width;
};

}  // namespace pt::cuda
