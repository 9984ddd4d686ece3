// What the test of the simulator itself runs: a sum of rows through shared memory and shuffles, and a look at the
// status word.
#include "cuda/kernel.h"
#include "cuda/tests/example.h"

namespace pt::cuda {

PT_CUDA_KERNEL(example_row_sums, 2, ExampleRows, 256) {
  __shared__ float sums[8];
  const float* in = reinterpret_cast<const float*>(operands.at[0]);
  float* out = reinterpret_cast<float*>(operands.at[1]);
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  for (int64_t row = blockIdx.x; row < params.rows; row += gridDim.x) {
    float sum = 0;
    for (int64_t i = threadIdx.x; i < params.columns; i += blockDim.x) sum += in[row * params.columns + i];
    for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(0xffffffff, sum, by);
    if (lane == 0) sums[warp] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
      float total = 0;
      for (int i = 0; i < static_cast<int>(blockDim.x) / kWarp; ++i) total += sums[i];
      out[row] = total;
      if (!(total - total == 0)) raise(operands.status, kStatusNonFinite);
    }
    __syncthreads();
  }
}

PT_CUDA_KERNEL(example_reverse, 2, ExampleReverse, 1024) {
  PT_DYNAMIC_SHARED(int32_t, turned);
  const int32_t* in = reinterpret_cast<const int32_t*>(operands.at[0]);
  const int n = static_cast<int>(blockDim.x);
  const int64_t first = int64_t(blockIdx.x) * n;
  turned[n - 1 - threadIdx.x] = in[first + threadIdx.x] * params.factor;
  __syncthreads();
  reinterpret_cast<int32_t*>(operands.at[1])[first + threadIdx.x] = turned[threadIdx.x];
}

}  // namespace pt::cuda
