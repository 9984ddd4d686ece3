// What reads the rows of a product as they are finished, while they are in a cache, so that they are never stored: the
// launch of another op, such as a pooling. Its chunk c reads nothing of its first operand, which is row-major, but rows
// [c * rows, (c + 1) * rows) over the last axis; the product runs that chunk where it has made them.
#pragma once
#include "core/launch.h"

namespace pt {

struct RowConsumer {
  Launch launch;  // its operands: the rows, then its outputs; without scratch
  int64_t rows;
  int outputs;
  double bytes;  // written
};

}  // namespace pt
