// Kernels and plans that exist for the runtime's test alone.
#pragma once
#include <stdint.h>

namespace pt::cuda {

struct TestAdd {
  int64_t elements;
  int32_t number;
};
struct TestRaise {
  uint32_t bits;
};

}  // namespace pt::cuda
