// The order of kernels that are compiled for each float: f32, f64, f16, bf16.
#pragma once
#include "core/dtype.h"

namespace pt {

inline int float_variant(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return 0;
    case DType::F64:
      return 1;
    case DType::F16:
      return 2;
    default:
      return 3;
  }
}

}  // namespace pt
