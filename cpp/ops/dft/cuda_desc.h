#pragma once
#include "ops/dft/desc.h"

namespace pt::cuda {

// The workspace holds the tables, the chirp's transform, and a line and its next step for each block, if these do not
// fit into shared memory. Places are in doubles.
struct DftLaunch {
  DftDesc d;
  int64_t chirp, scratch;
  bool in_shared;
};

}  // namespace pt::cuda
