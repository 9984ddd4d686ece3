// The operands of what follows a product in the same chunks: a fused program on the rectangle of C that a chunk has
// finished.
#pragma once
#include "core/kernel.h"
#include "ops/fused/run.h"
#include "ops/matmul/region.h"

namespace pt {
namespace PT_ISA {

inline const FusedDesc* epilogue_of(const KernelArgs* args, const MatmulDesc& d) {
  return reinterpret_cast<const FusedDesc*>(static_cast<const char*>(args->desc) + d.layout.program);
}

// Where the operands behind the product itself begin, of a batch item.
inline void place_operands(const KernelArgs* args, const MatmulDesc& d, int64_t batch,
                           char* (&data)[kMaxEpilogueOperands]) {
  for (int i = 1; i < d.problem.epilogue_operands; ++i) data[i] = args->data[d.problem.epilogue_at + i - 1];
  for (int axis = d.problem.batch_axes - 1; axis >= 0; --axis) {
    const int64_t index = batch % d.problem.batch_extent[axis];
    batch /= d.problem.batch_extent[axis];
    for (int i = 1; i < d.problem.epilogue_operands; ++i) data[i] += index * d.problem.epilogue_batch[i][axis];
  }
}

// Calls fetch(lines) for what the program will read and write of such a rectangle: of operands that have an element for
// each of C's, and rows in memory.
template <class Fetch>
inline void fetch_for_epilogue(const KernelArgs* args, const MatmulDesc& d, int64_t batch, int64_t row, int64_t rows,
                               int64_t col, int64_t cols, Fetch fetch) {
  char* data[kMaxEpilogueOperands];
  place_operands(args, d, batch, data);
  const FusedDesc* program = epilogue_of(args, d);
  if (program->n_outer != 1) return;
  const int stored = d.problem.epilogue_operands - (d.problem.hands_rows() ? 1 : 0);
  for (int i = 1; i < stored; ++i) {
    const FusedOperandDesc& operand = program->operands()[i];
    const int64_t row_bytes = operand.outer[0] * operand.bytes, bytes = cols * operand.bytes;
    if (operand.inner != 1 || operand.outer[0] < cols) continue;
    const char* from = data[i] + row * row_bytes + col * operand.bytes;
    const bool joined = row_bytes == bytes;
    fetch(joined ? Lines{from, 0, 1, lines_touched(from, rows * bytes, 64)}
                 : Lines{from, row_bytes, rows, lines_touched(from, bytes, row_bytes)});
  }
}

}  // namespace PT_ISA
}  // namespace pt
