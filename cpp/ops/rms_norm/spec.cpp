#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

Tensor scale_of(const Tensor& x, double eps) { return fn::rsqrt(fn::mean(fn::square(x), {x.ndim() - 1}, true) + eps); }

const Op* registered =
    define("rms_norm")
        .in("input", Takes::Number)
        .in("weight", Takes::Number)
        .floats()
        .attr("eps", 1e-6, non_negative)
        .shape([](const InferContext& c) -> Types {
          const Shape& x = c.in[0].shape;
          c.expect(!x.empty() && x.back() > 0 && c.in[1].shape == Shape{x.back()},
                   text("weight is ", c.in[1], ", input is ", c.in[0], "; weight must be [", x.empty() ? 1 : x.back(),
                        "]; pass one number per column of input"));
          return {c.in[0]};
        })
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor x = widened(in[0]);
          return {fn::cast(x * scale_of(x, attrs.number("eps")) * in[1], in[0].dtype())};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor x = widened(c.in[0]), g = widened(c.grad[0]), scale = scale_of(x, c.attrs.number("eps"));
          const Tensor value = x * scale;
          Tensor dx, dw;
          if (c.needs[0]) {
            const Tensor h = g * c.in[1];
            dx = fn::cast((h - value * fn::mean(h * value, {x.ndim() - 1}, true)) * scale, c.in_types[0].dtype);
          }
          if (c.needs[1]) dw = fn::cast(unbroadcast(g * value, c.in_types[1].shape), c.in_types[1].dtype);
          return {dx, dw};
        })
        .doc(R"(divide each row by its root mean square, then scale by weight.
Shapes    input [..., n], weight [n] -> [..., n]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    weight not of size n; eps < 0
Grad      input, weight
Numerics  finite while n input^2 < 3e38
Source    Zhang & Sennrich 2019, eq. 4)",
             R"(>>> pt.ops.functional.OPERATORS["rms_norm"](pt.ones((2, 4)), pt.ones(4)).shape
(2, 4))");

const AutocastRule rule("rms_norm", Precision::Full);

}  // namespace
}  // namespace pt
