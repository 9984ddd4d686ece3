#include "core/integers.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/quantized_matmul/weights.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const TensorType& x = c.in[0];
  c.expect(!x.shape.empty(), text("input is ", x, "; an axis of inputs is expected; reshape it to [1, inputs]"));
  Shape shape = x.shape;
  shape[shape.size() - 1] = check_quantized(c.op.name, c.in[1], c.in[2], c.attrs, x.shape.back());
  c.expect(!c.given[3] || c.in[3].shape == Shape{shape.back()},
           text("bias is ", c.in[3], "; [", shape.back(), "] is expected; pass one number per output"));
  return {{x.dtype, shape}};
}

Attrs with_size(const Attrs& attrs, int64_t size) {
  return {{"size", size}, {"group_size", *attrs.find("group_size")}};
}

// f16 and bf16 are computed in f32 and rounded once.
Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor x = widened(in[0]), scale = fn::cast(in[2], x.dtype());
  Tensor y;
  if (x.dtype() == DType::F64) {
    y = fn::matmul(x, fn::call("dequantize_weight", {in[1], scale}, with_size(attrs, x.shape().back())));
  } else {
    y = fn::call("quantized_matmul", {x, in[1], scale}, attrs);
  }
  if (in[3].defined()) y = y + fn::cast(in[3], x.dtype());
  return {fn::cast(y, in[0].dtype())};
}

// All axes but the last as rows.
Tensor as_rows(const Tensor& x) {
  const int64_t columns = x.shape().back();
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.ndim(); ++i) rows *= x.shape()[i];
  return fn::reshape(x, {rows, columns});
}

// The sums of the rows of each group, [groups, columns].
Tensor sums_of_groups(const Tensor& x, const Shape& scale, int64_t group) {
  const int64_t groups = scale[0], columns = scale[1], missing = groups * group - x.shape()[0];
  if (groups == 1) return fn::sum(x, {0}, true);
  const Tensor whole = missing > 0 ? fn::concat({x, fn::zeros({x.dtype(), {missing, columns}})}, 0) : x;
  return fn::sum(fn::reshape(whole, {groups, group, columns}), {1}, false);
}

Tensors gradient(const VjpContext& c) {
  const Tensor g = widened(c.grad[0]);
  const int64_t inputs = c.in_types[0].shape.back();
  const Attrs attrs = with_size(c.attrs, inputs);
  Tensor dx, dscale, dbias;
  if (c.needs[0]) {
    const Tensor weight = fn::call("dequantize_weight", {c.in[1], fn::cast(c.in[2], g.dtype())}, attrs);
    dx = fn::cast(fn::matmul(g, swap_last(weight)), c.in_types[0].dtype);
  }
  if (c.needs[2]) {
    const Tensor ones = Tensor::full({g.dtype(), c.in_types[2].shape}, 1);
    const Tensor codes = fn::call("dequantize_weight", {c.in[1], ones}, attrs);
    const Tensor of_weight = fn::matmul(swap_last(as_rows(widened(c.in[0]))), as_rows(g));
    dscale = sums_of_groups(of_weight * codes, c.in_types[2].shape, rows_of_scale(c.attrs, inputs));
    dscale = fn::cast(dscale, c.in_types[2].dtype);
  }
  if (c.needs[3]) dbias = fn::cast(fn::sum(as_rows(g), {0}, false), c.in_types[3].dtype);
  return {dx, Tensor(), dscale, dbias};
}

const Op* registered =
    define("quantized_linear")
        .in("input", Takes::Float)
        .in("weight", Takes::Integer)
        .in("scale", Takes::Float)
        .in_optional("bias", Takes::Float)
        .attr_nullable("group_size", AttrKind::Int)
        .no_promotion()
        .shape(infer)
        .compose(definition)
        .vjp(gradient)
        .doc(R"(input weight + bias with a weight of 8 or 4 bits and its scales; bias may be left out.
Shapes    input [..., i], weight [i, o] or [ceil(i / 2), o], scale [groups, o], bias [o] -> [..., o]
Dtypes    input, scale and bias floats, and the result as input; weight int8, or uint8 with two codes of 4 bits in each
          byte (the even row in the lower half, 8 for zero); f16 and bf16 are computed in f32 and rounded once
Errors    a weight or a scale that does not fit the inputs; an odd group_size with 4 bits; a bias not of size o
Grad      input, scale, bias; the weight is no float
Numerics  group_size inputs share a scale, all of them where it is None; the bits are those of linear with the
          dequantized weight
Source    PyTorch, torchao Int8WeightOnlyConfig and Int4WeightOnlyConfig)",
             R"(>>> x, weight = pt.ones((1, 2)), pt.asarray([[100], [-50]], dtype="int8")
>>> pt.nn.functional.quantized_linear(x, weight, pt.full((1, 1), 0.5)).numpy().tolist()
[[25.0]])");

}  // namespace
}  // namespace pt
