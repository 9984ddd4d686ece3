#include <cmath>

#include "core/convert.h"
#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// cos and sin of position times frequency, for t positions and half the width.
struct Angles {
  Tensor cosine, sine;
};
Angles angles(int64_t steps, int64_t half, double base, int64_t offset, DType dtype) {
  Angles a{Tensor::empty({dtype, {steps, 1, half}}), Tensor::empty({dtype, {steps, 1, half}})};
  const auto size = static_cast<int64_t>(size_of(dtype));
  for (int64_t t = 0; t < steps; ++t) {
    for (int64_t i = 0; i < half; ++i) {
      const double frequency = std::pow(base, -static_cast<double>(i) / static_cast<double>(half));
      const double angle = static_cast<double>(t + offset) * frequency;
      store_number(a.cosine.host() + (t * half + i) * size, dtype, std::cos(angle));
      store_number(a.sine.host() + (t * half + i) * size, dtype, std::sin(angle));
    }
  }
  return a;
}

const Op* registered =
    define("rotary_embedding")
        .in("input", Takes::Float)
        .attr("base", 10000.0, positive)
        .attr("offset", 0)
        .attr("interleaved", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          if (shape.size() != 4 || shape[3] % 2 != 0) {
            throw ShapeError(text("[rotary_embedding] input is ", in[0].type(),
                                  "; expected [batch, time, heads, an even width]; reshape input"));
          }
          const int64_t half = shape[3] / 2;
          const Tensor x = widened(in[0]);
          const auto [cosine, sine] = angles(shape[1], half, attrs.number("base"), attrs.integer("offset"), x.dtype());
          const bool pairs = attrs.flag("interleaved");
          const Tensor a = pairs ? piece(x, 3, 0, 2 * half - 1, 2) : piece(x, 3, 0, half);
          const Tensor b = pairs ? piece(x, 3, 1, 2 * half, 2) : piece(x, 3, half, 2 * half);
          const Tensor first = a * cosine - b * sine, second = b * cosine + a * sine;
          const Tensor y = fn::call(pairs ? "stack" : "concat", {first, second}, {{"axis", int64_t{pairs ? 4 : 3}}});
          return {fn::cast(fn::reshape(y, shape), in[0].dtype())};
        })
        .doc(R"(pairs of channels rotated by an angle that grows with the position and falls with the channel.
Shapes    input [b, t, heads, d] -> [b, t, heads, d]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    other shapes; an odd d
Grad      input
Numerics  pair i turns by (position + offset) base^(-2 i / d); channels i and i + d / 2 are a pair, or 2 i and 2 i + 1
          if interleaved; angles in float64
Source    Su et al. 2021)",
             R"(>>> pt.nn.functional.rotary_embedding(pt.ones((1, 4, 2, 8))).shape
(1, 4, 2, 8))");

}  // namespace
}  // namespace pt
