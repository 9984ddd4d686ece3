// What the roofline kernels read and write.
#pragma once
#include <stdint.h>

namespace pt {

struct RooflineDesc {
  int64_t rounds;       // of multiply-adds in each chain
  int64_t bytes;        // to copy
  int64_t chunk_bytes;  // of that in one chunk
  int64_t repeats;      // how often each chunk is copied, for copies that stay in a cache
};

// What a chunk of multiply-adds leaves behind, so that no compiler can leave it out.
struct RooflineWork {
  double flops;
  float lanes[16];
};

}  // namespace pt
