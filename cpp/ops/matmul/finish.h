// What happens to sums that were kept in scratch: stored, or turned by an epilogue into what is stored.
#pragma once
#include "core/kernel.h"
#include "ops/fused/run.h"
#include "ops/matmul/chunk.h"

namespace pt {
namespace PT_ISA {

// The product's own rounding: an epilogue sees what a stored product would have been.
template <class T>
inline void round_in_place(T* values, int64_t row, int64_t rows, int64_t cols, DType type) {
  if (!is_half(type)) return;
  for (int64_t i = 0; i < rows; ++i) {
    float* at = reinterpret_cast<float*>(values + i * row);
    type == DType::BF16 ? round_in_row<BFloat16>(at, cols) : round_in_row<Float16>(at, cols);
  }
}

template <class T>
inline void run_epilogue(const KernelArgs* args, const MatmulDesc& d, const Sums<T>& s, int64_t batch,
                         const MatmulChunk& c) {
  T* product = s.sum;
  int64_t row = c.row, rows = c.rows, col = c.col, cols = c.cols;
  if (d.swapped) {
    product = reinterpret_cast<T*>(args->scratch + d.turned_sums);
    copy_transposed(s.sum, s.sum_row, c.rows, c.cols, product, d.epilogue_row);
    row = c.col, rows = c.cols, col = c.row, cols = c.rows;
  }
  round_in_place(product, d.epilogue_row, rows, cols, d.out_type);
  char* data[kMaxEpilogueOperands];
  // The program counts rows and columns of the whole C.
  data[0] = reinterpret_cast<char*>(product) - (row * d.epilogue_row + col) * static_cast<int64_t>(sizeof(T));
  for (int i = 1; i < d.epilogue_operands; ++i) data[i] = args->data[d.epilogue_at + i - 1];
  for (int axis = d.batch_axes - 1; axis >= 0; --axis) {
    const int64_t index = batch % d.batch_extent[axis];
    batch /= d.batch_extent[axis];
    for (int i = 1; i < d.epilogue_operands; ++i) data[i] += index * d.epilogue_batch[i][axis];
  }
  const char* program = static_cast<const char*>(args->desc) + d.epilogue;
  run_fused_rect(reinterpret_cast<const FusedDesc*>(program), data, row, row + rows, col, col + cols,
                 args->scratch + d.epilogue_scratch);
}

template <class T>
inline void finish_sums(const KernelArgs* args, const MatmulDesc& d, const Sums<T>& s, const Target& out, int64_t batch,
                        const MatmulChunk& c) {
  if (d.epilogue) return run_epilogue(args, d, s, batch, c);
  if (d.rounds) round_in_place(s.sum, s.sum_row, c.rows, c.cols, d.rounded_type);
  store_block(s.sum, s.sum_row, c.rows, c.cols, out);
}

}  // namespace PT_ISA
}  // namespace pt
