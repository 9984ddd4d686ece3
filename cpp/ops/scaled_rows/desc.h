#pragma once
#include <stdint.h>

namespace pt {

// Operands: the table, the row numbers (i64), what is subtracted, the factors, what is added (f32), the result (f32).
struct ScaledRowsDesc {
  int64_t length;  // rows of the table; a negative number counts from its end
  int64_t rows;    // of the result
  int64_t width;   // elements of a row
  int64_t period;  // numbers of each kind: those of element i are at i % period
  int64_t chunk;   // rows
};

}  // namespace pt
