#include "ops/composed.h"

#include "ops/axes.h"
#include "ops/elementwise.h"

namespace pt {

std::string share(const Attr& value) {
  const double* x = std::get_if<double>(&value);
  const double number = x ? *x : static_cast<double>(std::get<int64_t>(value));
  return number >= 0 && number <= 1 ? "" : "a number from 0 to 1";
}

namespace {

OpBuilder sloped_unary(const std::string& name, const std::string& input, UnaryFormula slope) {
  OpBuilder op = define(name);
  op.in(input, Takes::Number).floats().shape(infer_elementwise);
  op.vjp([slope](const VjpContext& c) -> Tensors {
    return {fn::cast(widened(c.grad[0]) * slope(widened(c.in[0]), c.attrs), c.in_types[0].dtype)};
  });
  return op;
}

}  // namespace

Tensor slope_between(const Tensor& x, double low, double high) {
  const Tensor zero = Tensor::scalar(0, x.dtype()), one = Tensor::scalar(1, x.dtype());
  const Tensor below_high = fn::where(fn::greater_equal(x, fn::number(high)), zero, one);
  return fn::where(fn::less_equal(x, fn::number(low)), zero, below_high);
}

OpBuilder composed_unary(const std::string& name, const std::string& input, UnaryFormula value, UnaryFormula slope) {
  OpBuilder op = sloped_unary(name, input, slope);
  op.compose([value](const Tensors& in, const Attrs& attrs) -> Tensors {
    return {fn::cast(value(widened(in[0]), attrs), in[0].dtype())};
  });
  return op;
}

OpBuilder formula_unary(const std::string& name, const std::string& input, UnaryFormula slope) {
  OpBuilder op = sloped_unary(name, input, slope);
  op.elementwise();
  return op;
}

OpBuilder composed_binary(const std::string& name, const std::string& a, const std::string& b, BinaryFormula value,
                          BinaryFormula slope_a, BinaryFormula slope_b) {
  OpBuilder op = define(name);
  op.in(a, Takes::Number).in(b, Takes::Number).floats().shape(infer_elementwise);
  op.compose([value](const Tensors& in, const Attrs&) -> Tensors {
    return {fn::cast(value(widened(in[0]), widened(in[1])), in[0].dtype())};
  });
  op.vjp([slope_a, slope_b](const VjpContext& c) -> Tensors {
    const Tensor x = widened(c.in[0]), y = widened(c.in[1]), g = widened(c.grad[0]);
    const auto towards = [&](const Tensor& slope, int i) {
      return fn::cast(unbroadcast(g * slope, c.in_types[i].shape), c.in_types[i].dtype);
    };
    return {c.needs[0] ? towards(slope_a(x, y), 0) : Tensor(), c.needs[1] ? towards(slope_b(x, y), 1) : Tensor()};
  });
  return op;
}

}  // namespace pt
