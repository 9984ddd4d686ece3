#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  Shape shape = broadcast(c.in[0].shape, c.in[1].shape, c.op.name);
  if (c.given[2]) shape = broadcast(shape, c.in[2].shape, c.op.name);
  return {{c.attrs.str("dtype") == "uint8" ? DType::U8 : DType::I8, shape}};
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor x = widened(in[0]), scale = fn::cast(in[1], x.dtype());
  const bool is_unsigned = attrs.str("dtype") == "uint8";
  const double least = is_unsigned ? 0 : -128, most = is_unsigned ? 255 : 127;
  const Tensor shift = in[2].defined() ? fn::cast(in[2], x.dtype()) : Tensor();
  Tensor code = fn::call("round", {x / scale});
  if (shift.defined()) code = code + shift;
  code = fn::where(fn::less(code, fn::number(least)), fn::number(least), code);
  code = fn::where(fn::greater(code, fn::number(most)), fn::number(most), code);
  code = fn::where(fn::equal(code, code), code, shift.defined() ? shift : fn::number(0));  // NaN has no code
  return {fn::cast(code, is_unsigned ? DType::U8 : DType::I8)};
}

const Op* registered =
    define("quantize_linear")
        .in("input", Takes::Float)
        .in("scale", Takes::Float)
        .in_optional("zero_point", Takes::Integer)
        .attr("dtype", "int8", {"int8", "uint8"})
        .no_promotion()
        .no_gradient()
        .shape(infer)
        .compose(definition)
        .doc(R"(input / scale + zero_point, rounded to integers of 8 bits; what leaves their range becomes its end.
Shapes    input [...], scale [...], zero_point [...] -> [...], broadcast
Dtypes    input and scale floats, zero_point integers -> int8 or uint8, as dtype says
Errors    shapes that do not broadcast; another dtype
Grad      none
Numerics  halves are rounded to even; NaN becomes zero_point
Source    ONNX, QuantizeLinear)",
             R"(>>> pt.nn.functional.quantize_linear(pt.asarray([-0.5, 0.26, 100.0]), 0.1).numpy().tolist()
[-5, 3, 127])");

}  // namespace
}  // namespace pt
