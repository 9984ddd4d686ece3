#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("instance_norm")
        .in("x", Takes::Number)
        .in_optional("w", Takes::Number)
        .in_optional("b", Takes::Number)
        .floats()
        .attr("eps", 1e-5, non_negative)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (in[0].ndim() < 3) {
            throw ShapeError(text("[instance_norm] x is ", in[0].type(),
                                  "; expected [n, ..., channels] with an axis to average over; use layer_norm"));
          }
          return {fn::call("group_norm", in, {{"groups", in[0].shape().back()}, {"eps", attrs.number("eps")}})};
        })
        .doc(
            R"(each channel of each example minus its mean, divided by its standard deviation; then scaled by w and shifted by b, which may be left out.
Shapes    x [n, ..., c], w [c], b [c] -> [n, ..., c]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    x without an axis between the first and the last; w or b not of size c; eps < 0
Grad      x, w, b
Source    Ulyanov, Vedaldi & Lempitsky 2016)",
            R"(>>> pt.instance_norm(pt.ones((2, 5, 5, 3))).shape
(2, 5, 5, 3))");

const AutocastRule rule("instance_norm", Precision::FullInside);

}  // namespace
}  // namespace pt
