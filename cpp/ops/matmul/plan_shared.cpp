#include "ops/matmul/batch.h"

namespace pt {
namespace {

// The batch axes of an operand, as strides along the batch axes of c.
Strides batch_strides(const Operand& x, const Shape& batch) {
  Shape shape;
  Strides strides;
  for (int i = 0; i + 2 < x.shape.size(); ++i) {
    shape.push_back(x.shape[i]);
    strides.push_back(x.strides[i]);
  }
  return broadcast_strides(shape, strides, batch);
}

// Batch axes i and i + 1 advance as one for every operand.
bool joins_next(const Batch& batch, int i) {
  for (const Walk& walk : batch.walks)
    if (walk.batch[i] != walk.batch[i + 1] * batch.extents[i + 1]) return false;
  return true;
}

// The innermost batch axis continues the rows of every operand but the right one, which does not have it.
bool continues_rows(const Batch& batch) {
  const int last = batch.extents.size() - 1;
  if (batch.walks[1].batch[last] != 0) return false;
  for (size_t i = 0; i < batch.walks.size(); ++i)
    if (i != 1 && batch.rows != 1 && batch.walks[i].batch[last] != batch.rows * batch.walks[i].row) return false;
  return true;
}

void erase_axis(Batch& batch, int i) {
  batch.extents.erase(i);
  for (Walk& walk : batch.walks) walk.batch.erase(i);
}

// An operand of one axis as a matrix: a row on the left, a column on the right.
Operand as_matrix(Operand x, bool left) {
  if (x.shape.size() > 1) return x;
  x.shape.insert(left ? 0 : 1, 1);
  x.strides.insert(left ? 0 : 1, 0);
  return x;
}

}  // namespace

Batch batch_of(const Operand& a, const Operand& b, const Operand& c) {
  const int n = c.shape.size();
  Batch batch;
  batch.rows = c.shape[n - 2];
  for (int i = 0; i + 2 < n; ++i) batch.extents.push_back(c.shape[i]);
  for (const Operand* x : {&a, &b, &c})
    batch.walks.push_back({x == &b ? 0 : x->strides[x->shape.size() - 2], batch_strides(*x, batch.extents)});
  return batch;
}

void simplify(Batch& batch) {
  for (int i = batch.extents.size() - 1; i >= 0; --i)
    if (batch.extents[i] == 1) erase_axis(batch, i);
  for (int i = batch.extents.size() - 2; i >= 0; --i) {
    if (!joins_next(batch, i)) continue;
    batch.extents[i + 1] *= batch.extents[i];
    erase_axis(batch, i);
  }
  while (!batch.extents.empty() && continues_rows(batch)) {
    const int last = batch.extents.size() - 1;
    if (batch.rows == 1)
      for (Walk& walk : batch.walks) walk.row = walk.batch[last];
    batch.rows *= batch.extents[last];
    erase_axis(batch, last);
  }
}

MatrixOperands as_matrices(const Operand& a, const Operand& b, const Operand& c) {
  Operand result = c;
  if (a.shape.size() == 1) {
    const int at = result.shape.size() - (b.shape.size() > 1 ? 1 : 0);
    result.shape.insert(at, 1);
    result.strides.insert(at, 0);
  }
  if (b.shape.size() == 1) {
    result.shape.push_back(1);
    result.strides.push_back(0);
  }
  return {as_matrix(a, true), as_matrix(b, false), result};
}

}  // namespace pt
