#pragma once
#include <stdint.h>

namespace pt::cuda {

struct TestMma {
  int32_t bfloat;
};

}  // namespace pt::cuda
