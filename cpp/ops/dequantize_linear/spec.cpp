#include "ops/functional.h"

namespace pt {
namespace {

Tensors definition(const Tensors& in, const Attrs&) {
  const DType dtype = in[1].dtype(), wide = compute_dtype(dtype);
  Tensor code = fn::cast(in[0], wide);
  if (in[2].defined()) code = code - fn::cast(in[2], wide);
  return {fn::cast(code * fn::cast(in[1], wide), dtype)};
}

const Op* registered =
    define("dequantize_linear")
        .in("input", Takes::Integer)
        .in("scale", Takes::Float)
        .in_optional("zero_point", Takes::Integer)
        .no_promotion()
        .compose(definition)
        .doc(
            R"((input - zero_point) scale: the numbers that integers stand for.
Shapes    input [...], scale [...], zero_point [...] -> [...], broadcast
Dtypes    input and zero_point integers; the result has scale's dtype; f16 and bf16 are computed in f32 and rounded once
Errors    shapes that do not broadcast
Grad      scale
Source    ONNX, DequantizeLinear)",
            R"(>>> pt.nn.functional.dequantize_linear(pt.asarray([-5, 3], dtype="int8"), pt.asarray(0.5)).numpy().tolist()
[-2.5, 1.5])");

}  // namespace
}  // namespace pt
