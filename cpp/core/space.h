// The axes of an iteration over one or two strided tensors, as kernels read them. Holds no std:: type: kernels include
// it.
#pragma once
#include <stdint.h>

namespace pt {

struct Space {
  int32_t axes;  // at least 1
  int64_t extent[8];
  int64_t a[8], b[8];  // strides of the two tensors, in bytes
  int64_t count;       // product of the extents
};

}  // namespace pt
