#include "ops/reduction.h"

#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

DType result_dtype(ResultType result, DType in) {
  switch (result) {
    case ResultType::Input:
      return in;
    case ResultType::Sum:
      return is_float(in) ? in : is_unsigned(in) ? DType::U64 : DType::I64;
    case ResultType::Bool:
      return DType::Bool;
    case ResultType::Position:
      return DType::I64;
  }
  return in;
}

// A position among all elements of a row is one along the axis that they make.
Tensors batch_position(const BatchContext& c) {
  if (c.attrs.has("axis")) return batch_along_axis(c);
  Attrs attrs = c.attrs;
  attrs.set("axis", Ints{1});
  const Tensor rows = fn::reshape(c.in[0], {c.rows, c.rows == 0 ? 1 : c.in[0].size() / c.rows});
  return {fn::reshape(apply(c.op, {rows}, attrs)[0], in_rows(c.rows, c.types[0].shape))};
}

}  // namespace

OpBuilder reduction(const std::string& name, Takes takes, ResultType result, bool needs_elements) {
  OpBuilder op = define(name);
  op.in("x", takes).attr_ints("axis", std::nullopt, true).attr("keepdims", false);
  op.shape([result, needs_elements](const InferContext& c) -> Types {
    const Ints axes = reduced_axes(c.attrs, c.in[0].shape.size(), c.op.name);
    c.expect(
        !needs_elements || reduced_count(c.in[0].shape, axes) > 0,
        text("x is ", c.in[0], "; expected at least one element along the reduced axes; check for an empty input"));
    c.expect(result != ResultType::Position || !c.attrs.has("axis") || axes.size() == 1,
             text("axis = ", to_string(Attr(axes)), "; expected one axis or None; flatten the axes with reshape"));
    return {{result_dtype(result, c.in[0].dtype), reduced_shape(c.in[0].shape, axes, c.attrs.flag("keepdims"))}};
  });
  op.batch(result == ResultType::Position ? batch_position : batch_along_axis);
  return op;
}

Tensors shared_by_ties(const VjpContext& c, const std::string& op) {
  const Tensor& x = c.in[0];
  const Shape& full = x.shape();
  const Ints axes = reduced_axes(c.attrs, full.size(), op);
  // A NaN is the result where there is one, and equals nothing.
  const Tensor best = fn::equal(x, restore_axes(c.out[0], full, axes)), nan = fn::call("not_equal", {x, x});
  const Tensor share = fn::cast(fn::call("logical_or", {best, nan}), c.grad[0].dtype());
  return {share * (restore_axes(c.grad[0], full, axes) / fn::sum(share, axes, true))};
}

OpBuilder composed_reduction(const std::string& name) {
  OpBuilder op = define(name);
  op.in("x", Takes::Number).floats().attr_ints("axis", std::nullopt, true).attr("keepdims", false);
  return op;
}

}  // namespace pt
