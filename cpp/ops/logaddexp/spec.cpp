#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

// How much of the sum is a's. Equal infinities have no difference: they share it.
Tensor share_of(const Tensor& a, const Tensor& b) {
  const Tensor same = fn::logical_and(fn::equal(a, b), fn::call("isinf", {a}));
  return fn::sigmoid(fn::where(same, fn::number(0), a - b));
}

const Op* registered =
    composed_binary(
        "logaddexp", "a", "b",
        [](const Tensor& a, const Tensor& b) {
          const Tensor far = fn::log1p(fn::exp(-fn::abs(a - b)));
          // Equal infinities have no difference.
          return fn::maximum(a, b) + fn::where(fn::equal(a, b), fn::number(0.69314718055994530942), far);
        },
        [](const Tensor& a, const Tensor& b) { return share_of(a, b); },
        [](const Tensor& a, const Tensor& b) { return share_of(b, a); })
        .doc(R"(the logarithm of exp(a) + exp(b), element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, b; equal infinities share it
Numerics  through the difference, so that nothing overflows
Source    the array API standard 2024.12)",
             R"(>>> round(pt.logaddexp(0.0, 0.0).item(), 4)
0.6931)");

const AutocastRule rule("logaddexp", Precision::Full);

}  // namespace
}  // namespace pt
