#pragma once
#include <stdint.h>

namespace pt::cuda {

struct ExampleRows {
  int64_t rows, columns;
};
struct ExampleReverse {
  int32_t factor;
};

}  // namespace pt::cuda
