#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("group_norm")
        .in("input", Takes::Number)
        .in_optional("weight", Takes::Number)
        .in_optional("bias", Takes::Number)
        .floats()
        .attr("eps", 1e-5, non_negative)
        .attr_count("num_groups", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          const int64_t groups = attrs.integer("num_groups");
          if (shape.size() < 2 || shape.back() % groups != 0 || in[0].size() == 0) {
            throw ShapeError(text("[group_norm] input is ", in[0].type(), ", num_groups = ", groups,
                                  "; expected [n, ..., channels] with elements and a number that divides the channels; "
                                  "change groups"));
          }
          for (std::size_t i = 1; i < 3; ++i) {
            if (in[i].defined() && in[i].shape() != Shape{shape.back()}) {
              throw ShapeError(text("[group_norm] ", i == 1 ? "weight" : "bias", " is ", in[i].type(), ", input is ",
                                    in[0].type(), "; expected one number per channel; reshape it"));
            }
          }
          const int64_t channels = shape.back(), places = in[0].size() / (shape[0] * channels);
          const Tensor x = fn::reshape(widened(in[0]), {shape[0], places, groups, channels / groups});
          const Tensor centered = x - fn::mean(x, {1, 3}, true);
          const Tensor scale = fn::rsqrt(fn::mean(fn::square(centered), {1, 3}, true) + attrs.number("eps"));
          Tensor y = fn::reshape(centered * scale, shape);
          if (in[1].defined()) y = y * in[1];
          if (in[2].defined()) y = y + in[2];
          return {fn::cast(y, in[0].dtype())};
        })
        .doc(
            R"(each example's channels in groups, each group minus its mean, divided by its standard deviation; then scaled by weight and shifted by bias, which may be left out.
Shapes    input [n, ..., c], weight [c], bias [c] -> [n, ..., c]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    groups that do not divide the channels; weight or bias not of size c; no elements; eps < 0
Grad      input, weight, bias
Numerics  two passes, so that a mean far from zero costs no digits
Source    Wu & He 2018)",
            R"(>>> pt.ops.functional.OPERATORS["group_norm"](pt.ones((2, 5, 5, 6)), num_groups=3).shape
(2, 5, 5, 6))");

const AutocastRule rule("group_norm", Precision::Full);

}  // namespace
}  // namespace pt
