#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/quantized_matmul/weights.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const TensorType& x = c.in[0];
  c.expect(x.dtype == DType::F32 && !x.shape.empty() && c.in[2].dtype == DType::F32,
           text("input is ", x, ", scale is ", c.in[2], "; float32 is expected, and an axis of input; cast them"));
  Shape shape = x.shape;
  shape[shape.size() - 1] = check_quantized(c.op.name, c.in[1], c.in[2], c.attrs, x.shape.back());
  return {{DType::F32, shape}};
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor weight = fn::call("dequantize_weight", {in[1], in[2]},
                                 {{"size", in[0].shape().back()}, {"group_size", *attrs.find("group_size")}});
  return {fn::matmul(in[0], weight)};
}

// Weights of all rows; other weights for each row are a call each.
Tensors batch(const BatchContext& c) {
  if (c.batched[1] || c.batched[2]) return batch_unrolled(c);
  return apply(c.op, {c.in.begin(), c.in.end()}, c.attrs);
}

const Op* registered =
    define("quantized_matmul")
        .in("input", Takes::Float)
        .in("weight", Takes::Integer)
        .in("scale", Takes::Float)
        .attr_nullable("group_size", AttrKind::Int)
        .no_promotion()
        .contiguous()
        .no_gradient()
        .batch(batch)
        .shape(infer)
        .compose(definition)
        .doc(
            R"(the matrix product of float32 numbers with weights of 8 or 4 bits: what quantized_linear runs.
Shapes    input [..., i], weight [i, o] or [ceil(i / 2), o], scale [groups, o] -> [..., o]
Dtypes    input and scale float32; weight int8, or uint8 with two codes of 4 bits in each byte
Errors    as of quantized_linear
Grad      none: quantized_linear has the rule
Numerics  the bits are those of matmul with the dequantized weight
Source    PyTorch, aten::_weight_int8pack_mm and _weight_int4pack_mm)",
            R"(>>> pt.ops.functional.OPERATORS["quantized_matmul"](pt.ones((1, 2)), pt.ones((2, 3), "int8"), pt.ones((1, 3))).numpy().tolist()
[[2.0, 2.0, 2.0]])");

}  // namespace
}  // namespace pt
