// What the plan of an LSTM's recurrence tells its kernels. Everything is row-major but the recurrent weights, which are
// packed first.
#pragma once
#include <stdint.h>

namespace pt {

// The weights as the right operand of a product, in panels as wide as a tile: [panel][row][column of the panel], the
// last panel as wide as its whole vectors.
struct LstmPackDesc {
  int64_t rows, cols, row_stride, col_stride;  // element strides
  int64_t panel_chunk;                         // columns of a chunk: whole panels of any instruction set
};

struct LstmDesc {
  int64_t batch, steps, width;
  int64_t chunk;   // rows of the batch
  int64_t strips;  // byte offset in scratch of a packed block of the product's left operand
};

}  // namespace pt
