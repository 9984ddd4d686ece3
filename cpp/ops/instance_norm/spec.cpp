#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("instance_norm")
        .in("input", Takes::Number)
        .in_optional("weight", Takes::Number)
        .in_optional("bias", Takes::Number)
        .floats()
        .attr("eps", 1e-5, non_negative)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (in[0].ndim() < 3) {
            throw ShapeError(text("[instance_norm] input is ", in[0].type(),
                                  "; expected [n, ..., channels] with an axis to average over; use layer_norm"));
          }
          return {fn::call("group_norm", in, {{"num_groups", in[0].shape().back()}, {"eps", attrs.number("eps")}})};
        })
        .doc(
            R"(each channel of each example minus its mean, divided by its standard deviation; then scaled by weight and shifted by bias, which may be left out.
Shapes    input [n, ..., c], weight [c], bias [c] -> [n, ..., c]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    input without an axis between the first and the last; weight or bias not of size c; eps < 0
Grad      input, weight, bias
Source    Ulyanov, Vedaldi & Lempitsky 2016)",
            R"(>>> pt.ops.functional.OPERATORS["instance_norm"](pt.ones((2, 5, 5, 3))).shape
(2, 5, 5, 3))");

const AutocastRule rule("instance_norm", Precision::FullInside);

}  // namespace
}  // namespace pt
