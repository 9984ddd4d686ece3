// How calls for each row become one call: rules by the kind of op, for `.batch(...)` of a spec. Rows are a first axis.
#pragma once
#include "ops/op.h"

namespace pt {

// Inputs broadcast against each other: shorter ones get axes of size 1 behind the rows.
Tensors batch_broadcast(const BatchContext& c);
// The attribute "axis" (an integer, integers, or None for all) counts axes of a row. What is shared is repeated.
Tensors batch_along_axis(const BatchContext& c);
// As above, and what is shared keeps one row that broadcasts.
Tensors batch_along_axis_broadcast(const BatchContext& c);
// The op works on the last axes, or on single elements, and takes any axes in front: of one input.
Tensors batch_leading(const BatchContext& c);
// The first axis of a row is a batch already, and both become one; `shared` inputs, such as weights, are no batch.
// Where one of those is batched, there is a call for each row.
BatchFn batch_folded(std::vector<int> shared = {});

// The call for all rows: by the op's rule, or by one call for each row.
Tensors batched(const BatchContext& c);
Tensors batch_unrolled(const BatchContext& c);

// x as it is, or repeated to have rows.
Tensor with_rows(const Tensor& x, bool batched, int64_t rows);
// Indices of each row [rows, ...] into n elements as ones into all rows, n elements each, one behind the other.
Tensor index_in_rows(const Tensor& index, int64_t n, int64_t rows);
// The shape with the rows in front.
Shape in_rows(int64_t rows, const Shape& shape);

}  // namespace pt
