// Ops as C++ functions, for gradient rules and definitions: each is one call of `apply`.
#pragma once
#include "ops/op.h"

namespace pt {

DType register_dtype(DType dtype);  // the compute dtype of the fused machine for a storage dtype
// What a step that casts names: the register, or 16 bits themselves where a wider register is rounded to them at once.
DType cast_dtype(DType from, DType to);

namespace fn {

inline Tensor call(std::string_view op, Tensors in, const Attrs& attrs = {}) {
  return apply1(op, std::move(in), attrs);
}
inline Tensor number(double value) { return Tensor::scalar(value, DType::F64, true); }

inline Tensor add(const Tensor& a, const Tensor& b) { return call("add", {a, b}); }
inline Tensor subtract(const Tensor& a, const Tensor& b) { return call("subtract", {a, b}); }
inline Tensor multiply(const Tensor& a, const Tensor& b) { return call("multiply", {a, b}); }
inline Tensor divide(const Tensor& a, const Tensor& b) { return call("divide", {a, b}); }
inline Tensor maximum(const Tensor& a, const Tensor& b) { return call("maximum", {a, b}); }
inline Tensor negative(const Tensor& x) { return call("negative", {x}); }
inline Tensor exp(const Tensor& x) { return call("exp", {x}); }
inline Tensor log(const Tensor& x) { return call("log", {x}); }
inline Tensor sqrt(const Tensor& x) { return call("sqrt", {x}); }
inline Tensor rsqrt(const Tensor& x) { return call("rsqrt", {x}); }
inline Tensor square(const Tensor& x) { return call("square", {x}); }
inline Tensor where(const Tensor& c, const Tensor& a, const Tensor& b) { return call("where", {c, a, b}); }
inline Tensor equal(const Tensor& a, const Tensor& b) { return call("equal", {a, b}); }
inline Tensor less(const Tensor& a, const Tensor& b) { return call("less", {a, b}); }
inline Tensor greater(const Tensor& a, const Tensor& b) { return call("greater", {a, b}); }
inline Tensor greater_equal(const Tensor& a, const Tensor& b) { return call("greater_equal", {a, b}); }
inline Tensor logical_and(const Tensor& a, const Tensor& b) { return call("logical_and", {a, b}); }
inline Tensor logical_not(const Tensor& x) { return call("logical_not", {x}); }
inline Tensor isfinite(const Tensor& x) { return call("isfinite", {x}); }
inline Tensor cast(const Tensor& x, DType dtype) {
  return x.dtype() == dtype ? x : call("astype", {x}, {{"dtype", dtype}});
}

inline Tensor sum(const Tensor& x, const Ints& axes, bool keepdims) {
  return call("sum", {x}, {{"axis", axes}, {"keepdims", keepdims}});
}
inline Tensor max(const Tensor& x, const Ints& axes, bool keepdims) {
  return call("max", {x}, {{"axis", axes}, {"keepdims", keepdims}});
}
inline Tensor mean(const Tensor& x, const Ints& axes, bool keepdims) {
  return call("mean", {x}, {{"axis", axes}, {"keepdims", keepdims}});
}
inline Tensor reshape(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : call("reshape", {x}, {{"shape", Ints(shape.begin(), shape.end())}});
}
inline Tensor transpose(const Tensor& x, const Ints& axes) { return call("permute_dims", {x}, {{"axes", axes}}); }
inline Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : call("broadcast_to", {x}, {{"shape", Ints(shape.begin(), shape.end())}});
}
inline Tensor concat(Tensors pieces, int axis) { return call("concat", std::move(pieces), {{"axis", int64_t{axis}}}); }
inline Tensor take(const Tensor& x, const Tensor& index, int axis) {
  return call("take", {x, index}, {{"axis", int64_t{axis}}});
}
inline Tensor embedding(const Tensor& index, const Tensor& table) { return call("embedding", {index, table}); }
inline Tensor argmax(const Tensor& x, int axis, bool keepdims) {
  return call("argmax", {x}, {{"axis", int64_t{axis}}, {"keepdims", keepdims}});
}
inline Tensor any(const Tensor& x) { return call("any", {x}); }
inline Tensor all(const Tensor& x) { return call("all", {x}); }
inline Tensor stop_gradient(const Tensor& x) { return call("stop_gradient", {x}); }
inline Tensor flat_view(const Tensor& flat, int64_t offset, const Shape& shape) {
  return call("flat_view", {flat}, {{"offset", offset}, {"shape", Ints(shape.begin(), shape.end())}});
}
inline Tensor committed(const Tensor& written, int64_t slot) { return call("committed", {written}, {{"slot", slot}}); }
inline Tensor update_flat_view(const Tensor& flat, const Tensor& value, int64_t offset) {
  return call("update_flat_view", {flat, value}, {{"offset", offset}});
}
inline const Op& boundary_op() {
  static const Op& op = find_op("boundary");
  return op;
}
inline const Op& check_index_op() {
  static const Op& op = find_op("check_index");
  return op;
}
inline Tensor matmul(const Tensor& a, const Tensor& b) { return call("matmul", {a, b}); }
inline Tensor zeros(const TensorType& type) { return Tensor::full(type, 0); }

}  // namespace fn

inline Tensor operator+(const Tensor& a, const Tensor& b) { return fn::add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return fn::subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return fn::multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return fn::divide(a, b); }
inline Tensor operator-(const Tensor& a) { return fn::negative(a); }
inline Tensor operator*(double a, const Tensor& b) { return fn::multiply(fn::number(a), b); }
inline Tensor operator+(const Tensor& a, double b) { return fn::add(a, fn::number(b)); }
inline Tensor operator-(const Tensor& a, double b) { return fn::subtract(a, fn::number(b)); }
inline Tensor operator-(double a, const Tensor& b) { return fn::subtract(fn::number(a), b); }
inline Tensor operator*(const Tensor& a, double b) { return fn::multiply(a, fn::number(b)); }

}  // namespace pt
