#include "ops/reduction.h"

#include "ops/axes.h"

namespace pt {
namespace {

DType result_dtype(ResultType result, DType in) {
  switch (result) {
    case ResultType::Input:
      return in;
    case ResultType::Sum:
      return is_float(in) ? in : DType::I64;
    case ResultType::Bool:
      return DType::Bool;
    case ResultType::Position:
      return DType::I64;
  }
  return in;
}

}  // namespace

OpBuilder reduction(const std::string& name, ReduceKind kind, Takes takes, ResultType result, bool needs_elements) {
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
  op.plan([name, kind](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs) {
    std::vector<int> axes;
    for (int64_t axis : reduced_axes(attrs, in[0].shape.size(), name)) axes.push_back(static_cast<int>(axis));
    return plan_reduce(kind, in[0], axes, out[0]);
  });
  return op;
}

OpBuilder composed_reduction(const std::string& name) {
  OpBuilder op = define(name);
  op.in("x", Takes::Number).floats().attr_ints("axis", std::nullopt, true).attr("keepdims", false);
  return op;
}

}  // namespace pt
