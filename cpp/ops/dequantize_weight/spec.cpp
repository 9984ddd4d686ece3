#include "core/integers.h"
#include "ops/functional.h"
#include "ops/quantized_matmul/weights.h"

namespace pt {
namespace {

int64_t rows_of(const TensorType& weight, const Attrs& attrs) {
  const int64_t stored = weight.shape.empty() ? 0 : weight.shape[0];
  return attrs.has("size") ? attrs.integer("size") : weight.dtype == DType::U8 ? kPackedRows * stored : stored;
}

Tensor first_rows(const Tensor& x, int64_t rows) {
  if (x.shape()[0] == rows) return x;
  return fn::call("slice", {x}, {{"start", Ints{0, 0}}, {"stop", Ints{rows, x.shape()[1]}}});
}

Tensor byte(int64_t value) { return fn::cast(Tensor::scalar(static_cast<double>(value), DType::F64), DType::U8); }

// Two codes of 4 bits in each byte, that of the even row in its lower half, with 8 for zero.
Tensor unpacked(const Tensor& weight, DType dtype) {
  const int64_t rows = weight.shape()[0], columns = weight.shape()[1];
  const Tensor low = fn::call("bitwise_and", {weight, byte(15)});
  const Tensor high = fn::call("bitwise_right_shift", {weight, byte(4)});
  const Tensor both = fn::call("stack", {low, high}, {{"axis", int64_t{1}}});
  return fn::cast(fn::reshape(both, {kPackedRows * rows, columns}), dtype) - 8.0;
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const int64_t rows = rows_of(in[0].type(), attrs), group = rows_of_scale(attrs, rows);
  const DType dtype = in[1].dtype();
  if (rows < 0) {
    throw ShapeError(text("[dequantize_weight] size = ", rows, "; a number of rows is expected; leave it out for all"));
  }
  check_quantized("dequantize_weight", in[0].type(), in[1].type(), attrs, rows);
  const Tensor codes = in[0].dtype() == DType::U8 ? first_rows(unpacked(in[0], dtype), rows) : fn::cast(in[0], dtype);
  if (group >= rows) return {codes * in[1]};
  const Tensor scale = fn::call("repeat", {in[1]}, {{"repeats", Ints{group}}, {"axis", int64_t{0}}});
  return {codes * first_rows(scale, rows)};
}

const Op* registered =
    define("dequantize_weight")
        .in("weight", Takes::Integer)
        .in("scale", Takes::Float)
        .attr_nullable("size", AttrKind::Int)
        .attr_nullable("group_size", AttrKind::Int)
        .no_promotion()
        .compose(definition)
        .doc(
            R"(weights of 8 or 4 bits as floats: each code times the scale of its column and group.
Shapes    weight [i, o] or [ceil(i / 2), o], scale [groups, o] -> [i, o]
Dtypes    weight int8, or uint8 with two codes of 4 bits in each byte; the result has scale's dtype
Errors    a scale that does not fit; a weight of another dtype; an odd group_size with 4 bits
Grad      scale
Numerics  a code of 4 bits is its number less 8, and that of the even row is the lower half of a byte; size says how many
          rows there are, where the last byte holds one; group_size None is one scale for each column
Source    ONNX, DequantizeLinear (block_size))",
            R"(>>> pt.ops.functional.OPERATORS["dequantize_weight"](pt.asarray([[0x9F]], dtype="uint8"), pt.full((1, 1), 0.5)).numpy().tolist()
[[3.5], [0.5]])");

}  // namespace
}  // namespace pt
