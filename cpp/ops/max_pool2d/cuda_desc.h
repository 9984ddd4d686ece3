// What the CUDA plans of both poolings tell their kernels.
#pragma once
#include "cuda/space.h"
#include "ops/max_pool2d/desc.h"

namespace pt::cuda {

struct PoolProblem {
  PoolDesc pool;
  int64_t elements;                 // written: of the result, or of the image whose gradient it is
  Divisor channels, width, height;  // of what is written
};

}  // namespace pt::cuda
