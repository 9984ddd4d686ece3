// The batch axes of a product, as every target joins them.
#pragma once
#include <vector>

#include "core/launch.h"

namespace pt {

// How one operand advances along the rows and batch axes of C.
struct Walk {
  int64_t row;
  Strides batch;
};
// The batch axes of a product, outermost first, with the walks of left, right, out, and then an epilogue's operands.
struct Batch {
  int64_t rows;
  Shape extents;
  std::vector<Walk> walks;
};

// Those of c = a b, with every axis of c before its last two.
Batch batch_of(const Operand& a, const Operand& b, const Operand& c);

// Drops axes of size 1, joins axes that are one stride for everybody, and makes rows of inner axes that the right
// operand does not have: a linear layer over [batch, time, features] is one product.
void simplify(Batch& batch);

// The operands of a product as matrices: an operand of one axis is a row on the left, a column on the right, and the
// result has an axis of size 1 in its place.
struct MatrixOperands {
  Operand a, b, c;
};
MatrixOperands as_matrices(const Operand& a, const Operand& b, const Operand& c);

}  // namespace pt
