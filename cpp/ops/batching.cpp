#include "ops/batching.h"

#include <algorithm>

#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

int row_axes(const BatchContext& c, std::size_t i) { return c.in[i].ndim() - (c.batched[i] ? 1 : 0); }

// The axes of a row count one more, and negative ones are counted from the start.
Attr shifted(const Attr& axis, int ndim, const std::string& op) {
  if (auto* one = std::get_if<int64_t>(&axis)) return int64_t{normal_axis(*one, ndim, op) + 1};
  Ints axes;
  if (auto* several = std::get_if<Ints>(&axis)) {
    for (int64_t one : *several) axes.push_back(normal_axis(one, ndim, op) + 1);
  } else {
    for (int i = 0; i < ndim; ++i) axes.push_back(i + 1);
  }
  return axes;
}

Attrs with_shifted_axis(const BatchContext& c, int ndim) {
  Attrs attrs = c.attrs;
  const Attr& axis = *c.attrs.find("axis");
  // An op of one axis takes None where a row has no other.
  const bool only = c.op.attrs[0].kind == AttrKind::Int && std::holds_alternative<std::monostate>(axis);
  attrs.set("axis", only ? Attr(int64_t{1}) : shifted(axis, ndim, c.op.name));
  return attrs;
}

Tensor row_of(const Tensor& x, int64_t row) {
  Shape shape = x.shape();
  shape.erase(0);
  return fn::reshape(piece(x, 0, row, row + 1), shape);
}

}  // namespace

Shape in_rows(int64_t rows, const Shape& shape) {
  Shape result = shape;
  result.insert(0, rows);
  return result;
}

Tensor with_rows(const Tensor& x, bool batched, int64_t rows) {
  return batched ? x : fn::broadcast_to(x, in_rows(rows, x.shape()));
}

Tensor index_in_rows(const Tensor& index, int64_t n, int64_t rows) {
  const auto whole = [&](int64_t value) { return Tensor::scalar(static_cast<double>(value), index.dtype()); };
  Shape shape{rows};
  while (shape.size() < index.ndim()) shape.push_back(1);
  // Beyond n it stays wrong.
  const Tensor inside = fn::where(fn::less(index, whole(0)), index + whole(n), index);
  const Tensor good =
      fn::call("logical_and", {fn::call("greater_equal", {inside, whole(0)}), fn::less(inside, whole(n))});
  const Tensor moved = inside + fn::reshape(counting(rows, index.dtype()) * whole(n), shape);
  return fn::where(good, moved, whole(n * rows));
}

Tensors batch_broadcast(const BatchContext& c) {
  int most = 0;
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    if (c.in[i].defined()) most = std::max(most, row_axes(c, i));
  }
  Tensors inputs(c.in.begin(), c.in.end());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !c.batched[i]) continue;
    Shape shape = inputs[i].shape();
    for (int missing = most - row_axes(c, i); missing > 0; --missing) shape.insert(1, 1);
    inputs[i] = fn::reshape(inputs[i], shape);
  }
  return apply(c.op, inputs, c.attrs);
}

Tensors batch_along_axis(const BatchContext& c) {
  Tensors inputs;
  for (std::size_t i = 0; i < c.in.size(); ++i) inputs.push_back(with_rows(c.in[i], c.batched[i], c.rows));
  return apply(c.op, inputs, with_shifted_axis(c, row_axes(c, 0)));
}

Tensors batch_along_axis_broadcast(const BatchContext& c) {
  Tensors inputs;
  for (std::size_t i = 0; i < c.in.size(); ++i) inputs.push_back(with_rows(c.in[i], c.batched[i], 1));
  return apply(c.op, inputs, with_shifted_axis(c, row_axes(c, 0)));
}

Tensors batch_leading(const BatchContext& c) {
  for (std::size_t i = 1; i < c.in.size(); ++i) {
    if (c.batched[i]) return batch_unrolled(c);
  }
  return apply(c.op, {c.in.begin(), c.in.end()}, c.attrs);
}

BatchFn batch_folded(std::vector<int> shared) {
  return [shared = std::move(shared)](const BatchContext& c) -> Tensors {
    Tensors inputs;
    for (std::size_t i = 0; i < c.in.size(); ++i) {
      const bool weight = std::find(shared.begin(), shared.end(), static_cast<int>(i)) != shared.end();
      if (weight && c.batched[i]) return batch_unrolled(c);
      if (weight) {
        inputs.push_back(c.in[i]);
        continue;
      }
      const Tensor all = with_rows(c.in[i], c.batched[i], c.rows);
      Shape shape = all.shape();
      shape.erase(0);
      shape[0] *= c.rows;
      inputs.push_back(fn::reshape(all, shape));
    }
    Tensors outputs = apply(c.op, inputs, c.attrs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = fn::reshape(outputs[i], in_rows(c.rows, c.types[i].shape));
    }
    return outputs;
  };
}

Tensors batch_unrolled(const BatchContext& c) {
  std::vector<Tensors> outputs(c.types.size());
  for (int64_t row = 0; row < c.rows; ++row) {
    Tensors inputs;
    for (std::size_t i = 0; i < c.in.size(); ++i) inputs.push_back(c.batched[i] ? row_of(c.in[i], row) : c.in[i]);
    const Tensors found = apply(c.op, inputs, c.attrs);
    for (std::size_t i = 0; i < found.size(); ++i) {
      outputs[i].push_back(fn::reshape(found[i], in_rows(1, c.types[i].shape)));
    }
  }
  Tensors result;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorType none{c.types[i].dtype, in_rows(0, c.types[i].shape)};
    result.push_back(c.rows == 0 ? fn::zeros(none) : apply(find_op("concat"), outputs[i], {{"axis", int64_t{0}}})[0]);
  }
  return result;
}

Tensors batched(const BatchContext& c) { return c.op.batch ? c.op.batch(c) : batch_unrolled(c); }

}  // namespace pt
