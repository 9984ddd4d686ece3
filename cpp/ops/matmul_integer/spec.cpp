#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const TensorType &a = c.in[0], &b = c.in[1];
  c.expect((a.dtype == DType::I8 || a.dtype == DType::U8) && b.dtype == DType::I8,
           text("a is ", a, ", b is ", b, "; a of int8 or uint8 and b of int8 are expected; quantize them first"));
  c.expect(
      !a.shape.empty() && b.shape.size() == 2 && a.shape.back() == b.shape[0],
      text("a is ", a, ", b is ", b, "; a [..., k] and b [k, n] are expected; transpose b, or make one matrix of it"));
  Shape shape = a.shape;
  shape[shape.size() - 1] = b.shape[1];
  return {{DType::I32, shape}};
}

// Through float64, which holds each sum: a product of two bytes is below 2^15, and there are fewer than 2^38.
Tensors definition(const Tensors& in, const Attrs&) {
  const Tensor product = fn::call("matmul", {fn::cast(in[0], DType::F64), fn::cast(in[1], DType::F64)});
  return {fn::cast(fn::cast(product, DType::I64), DType::I32)};
}

const Op* registered =
    define("matmul_integer")
        .in("a", Takes::Integer)
        .in("b", Takes::Integer)
        .no_promotion()
        .contiguous()
        .no_gradient()
        .shape(infer)
        .compose(definition)
        .doc(
            R"(the matrix product a b of small integers, with sums of 32 bits.
Shapes    a [..., k], b [k, n] -> [..., n]
Dtypes    a int8 or uint8, b int8 -> int32
Errors    k differs; b not of two axes; other dtypes
Grad      none
Numerics  exact modulo 2^32, so order, threads and instruction set change nothing; no sum leaves int32 where k is
          below 65,794
Source    ONNX, MatMulInteger)",
            R"(>>> pt.nn.functional.matmul_integer(pt.ones((2, 3), "int8"), pt.ones((3, 4), "int8")).numpy()[0].tolist()
[3, 3, 3, 3])");

}  // namespace
}  // namespace pt
