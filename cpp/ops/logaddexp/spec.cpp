#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_binary(
        "logaddexp", "a", "b",
        [](const Tensor& a, const Tensor& b) {
          const Tensor far = fn::log1p(fn::exp(-fn::abs(a - b)));
          // Equal infinities have no difference.
          return fn::maximum(a, b) + fn::where(fn::equal(a, b), fn::number(0.69314718055994530942), far);
        },
        [](const Tensor& a, const Tensor& b) { return fn::sigmoid(a - b); },
        [](const Tensor& a, const Tensor& b) { return fn::sigmoid(b - a); })
        .doc(R"(the logarithm of exp(a) + exp(b), element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, b
Numerics  through the difference, so that nothing overflows)",
             R"(>>> round(pt.logaddexp(0.0, 0.0).item(), 4)
0.6931)");

const AutocastRule rule("logaddexp", Precision::Full);

}  // namespace
}  // namespace pt
