#pragma once
#include "ops/factor/desc.h"

namespace pt::cuda {

struct FactorLaunch {
  FactorDesc d;
  bool in_shared;  // the work on a matrix; else in the workspace, for each block
};

}  // namespace pt::cuda
