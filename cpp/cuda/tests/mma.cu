// A tile of a product by each instruction of mma.h, from shared memory.
#include "cuda/async_copy.h"
#include "cuda/mma.h"
#include "cuda/tests/mma.h"

namespace pt::cuda {
namespace {

// C[16][8] is written where each lane has it.
PT_DEVICE void store_tile(char* to, const float (&c)[4]) {
  float* out = reinterpret_cast<float*>(to);
  const int row = threadIdx.x / 4, column = threadIdx.x % 4 * 2;
  *reinterpret_cast<float2*>(out + row * 8 + column) = {c[0], c[1]};
  *reinterpret_cast<float2*>(out + (row + 8) * 8 + column) = {c[2], c[3]};
}

}  // namespace

// Rows of A[16][16] and B[16][8] go to shared memory in the background.
PT_CUDA_KERNEL(test_mma_16, 3, TestMma, 32) {
  __shared__ __align__(16) uint16_t a_rows[16][16];
  __shared__ __align__(16) uint16_t b_rows[16][8];
  const int lane = threadIdx.x;
  copy_async<16>(&a_rows[lane / 2][lane % 2 * 8], operands.at[0] + lane * 16);
  if (lane < 16) copy_async<16>(&b_rows[lane][0], operands.at[1] + lane * 16);
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  uint32_t a[4], b[2];
  float c[4] = {1, 2, 3, 4};
  load_matrices<4>(a, &a_rows[lane % 16][lane / 16 * 8]);
  load_matrices<2, true>(b, &b_rows[lane % 16][0]);
  if (params.bfloat) {
    mma_bf16(c, a, b);
  } else {
    mma_f16(c, a, b);
  }
  store_tile(operands.at[2], c);
}

// From B turned, [8][16], whose columns are rows: no turn then; and by one matrix at a time.
PT_CUDA_KERNEL(test_mma_turned, 3, TestMma, 32) {
  __shared__ __align__(16) uint16_t a_rows[16][16];
  __shared__ __align__(16) uint16_t b_columns[8][16];
  const int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) a_rows[i / 16][i % 16] = reinterpret_cast<const uint16_t*>(operands.at[0])[i];
  for (int i = lane; i < 128; i += 32) b_columns[i / 16][i % 16] = reinterpret_cast<const uint16_t*>(operands.at[1])[i];
  __syncthreads();
  uint32_t a[4], b[2], one[1], pair[2];
  float c[4] = {1, 2, 3, 4};
  load_matrices<2>(pair, &a_rows[lane % 16][0]);
  a[0] = pair[0], a[1] = pair[1];
  load_matrices<1>(one, &a_rows[lane % 8][8]);
  a[2] = one[0];
  load_matrices<1>(one, &a_rows[8 + lane % 8][8]);
  a[3] = one[0];
  load_matrices<2>(b, &b_columns[lane % 8][lane / 8 % 2 * 8]);
  if (params.bfloat) {
    mma_bf16(c, a, b);
  } else {
    mma_f16(c, a, b);
  }
  store_tile(operands.at[2], c);
}

PT_CUDA_KERNEL(test_mma_tf32, 3, TestMma, 32) {
  const float* a_rows = reinterpret_cast<const float*>(operands.at[0]);  // [16][8]
  const float* b_rows = reinterpret_cast<const float*>(operands.at[1]);  // [8][8]
  const int r = threadIdx.x / 4, q = threadIdx.x % 4;
  const uint32_t a[4] = {to_tf32(a_rows[r * 8 + q]), to_tf32(a_rows[(r + 8) * 8 + q]), to_tf32(a_rows[r * 8 + q + 4]),
                         to_tf32(a_rows[(r + 8) * 8 + q + 4])};
  const uint32_t b[2] = {to_tf32(b_rows[q * 8 + r]), to_tf32(b_rows[(q + 4) * 8 + r])};
  float c[4] = {1, 2, 3, 4};
  mma_tf32(c, a, b);
  store_tile(operands.at[2], c);
}

}  // namespace pt::cuda
