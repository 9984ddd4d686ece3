// The compiled kernels that the library holds: an image for each .cu file (cmake/cuda_library.cmake
// makes the table).
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt::cuda {

struct Image {
  const char* source;  // cpp/ops/take/cuda.cu
  const void* data;    // a fatbin
};

extern const Image kImages[];  // the last one has no source
extern const int kToolkit;     // 13000: compiled by CUDA 13.0; 0: for the simulator alone

}  // namespace pt::cuda
