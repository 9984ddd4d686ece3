#include "ops/adam_step/desc.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types step_types(const InferContext& c) {
  for (int i = kP; i <= kLargest; ++i) {
    if (!c.given[i]) continue;
    c.expect(c.in[i] == c.in[kP], text(c.op.inputs[i].name, " is ", c.in[i], ", p is ", c.in[kP],
                                       "; expected one shape and dtype of both; cast or reshape it"));
  }
  for (int i = kSize; i <= kFactor; ++i) {
    if (!c.given[i]) continue;
    const TensorType number{c.in[kP].dtype == DType::F64 ? DType::F64 : DType::F32, {}};
    c.expect(c.in[i] == number, text(c.op.inputs[i].name, " is ", c.in[i], ", p is ", c.in[kP],
                                     "; expected one number, ", number, "; cast it, or take its only element"));
  }
  return Types(c.given[kLargest] ? 4 : 3, c.in[kP]);
}

Tensors compose(const Tensors& in, const Attrs& attrs) {
  const DType stored = in[kP].dtype(), computed = register_dtype(stored);
  const auto flush = [](const Tensor& x) { return fn::call("flush_denormals", {x}); };
  const auto wide = [&](int i) { return fn::cast(in[i], computed); };
  const double beta1 = attrs.number("beta1"), beta2 = attrs.number("beta2"), decay = attrs.number("decay");
  Tensor p = wide(kP), g = wide(kG);
  if (in[kFactor].defined()) g = g * wide(kFactor);
  if (in[kKept].defined()) p = p * wide(kKept);
  if (decay != 0) g = g + p * decay;
  const Tensor mean = flush(wide(kMean) * beta1 + g * (1 - beta1));
  const Tensor square = flush(wide(kSquare) * beta2 + fn::square(g) * (1 - beta2));
  Tensors out = {Tensor(), mean, square};
  if (in[kLargest].defined()) out.push_back(fn::maximum(wide(kLargest), square));
  const Tensor root = fn::sqrt(out.back());
  out[0] = p - wide(kSize) * (mean / (root * wide(kUnbias) + attrs.number("eps")));
  for (Tensor& one : out) one = fn::cast(one, stored);
  return out;
}

const Op* registered =
    define("adam_step")
        .in("p", Takes::Float)
        .in("g", Takes::Float)
        .in("mean", Takes::Float)
        .in("square", Takes::Float)
        .in_optional("largest", Takes::Float)
        .in("size", Takes::Float)
        .in("unbias", Takes::Float)
        .in_optional("kept", Takes::Float)
        .in_optional("factor", Takes::Float)
        .attr("beta1", 0.9)
        .attr("beta2", 0.999)
        .attr("eps", 1e-8)
        .attr("decay", 0.0)
        .no_promotion()
        .outputs(kVarying)
        .sweeps()
        .contiguous()
        .shape(step_types)
        .compose(compose)
        .doc(
            R"(one update of Adam in one sweep: with g = factor g + decay kept p, the means mean = beta1 mean + (1 - beta1) g and
square = beta2 square + (1 - beta2) g^2 are new, and so is p = kept p - size mean / (unbias sqrt(square) + eps).
Shapes    p, g, mean, square, largest [...]; the others are single numbers -> p, mean, square, and largest if given
Dtypes    floats, the single numbers f64 for f64 arrays, else f32; f16 and bf16 are computed in f32 and rounded once
Errors    arrays of other shapes or dtypes than p; single numbers that are none
Grad      p, g, mean, square, largest
Numerics  means that are denormal become 0; with `largest`, the root is of the maximum of it and square, which is the
          new one (AMSGrad)
Source    Kingma & Ba 2015; Loshchilov & Hutter 2019)");

}  // namespace
}  // namespace pt
