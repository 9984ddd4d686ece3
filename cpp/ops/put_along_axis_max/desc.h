#pragma once
#include "ops/fused/desc.h"
#include "ops/scatter_add/desc.h"

namespace pt {

// out[outer, index[outer, j, inner], inner] = the largest of updates[outer, j, inner].
struct PutMaxDesc {
  PutAlongDesc put;
  FusedStorage storage;
};

}  // namespace pt
