#pragma once
#include <stdint.h>

#include "core/space.h"

namespace pt {

struct AllFiniteDesc {
  Space space;    // its last axis is read as one run when its stride is the element's size
  int64_t run;    // extent of the last axis
  int64_t chunk;  // elements of a run in one chunk, or whole runs when run_chunks is 1
  int64_t run_chunks;
  int64_t runs, runs_per_chunk;
};

}  // namespace pt
