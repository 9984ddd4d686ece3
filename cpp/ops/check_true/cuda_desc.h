#pragma once
#include "cuda/space.h"

namespace pt::cuda {

struct CheckTrue {
  Axes axes;
};

}  // namespace pt::cuda
