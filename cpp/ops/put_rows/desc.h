#pragma once
#include <stdint.h>

namespace pt {

// out[index[j]] = rows[j], whole rows; out, index and rows are row-major. Chunk c has the rows of out whose number is c
// modulo the chunks: each row belongs to one chunk, which takes its sources in order.
struct PutRowsDesc {
  int64_t axis_size, row_bytes, sources, chunks;
  bool wide_index;  // i64, else i32
};

}  // namespace pt
