// The compiled kernels that the library holds: an image for each .cu file (cmake/cuda_library.cmake
// makes the table).
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt::cuda {

struct Image {
  const char* source;  // cpp/ops/take/cuda.cu
  const void* data;    // a fatbin; of a build for the simulator alone, the text PTSIM
};

extern const Image kImages[];
extern const int kImageCount;
extern const int kToolkit;  // 13000: compiled by CUDA 13.0; 0: for the simulator alone

}  // namespace pt::cuda
