#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/pieces.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

// Each round adds what lies twice as far away as in the round before (Hillis & Steele 1986): every sum is a tree of
// logaddexp, of which nothing overflows and no large element swallows those in front of it.
Tensors definition(const Tensors& in, const Attrs& attrs) {
  const int axis = running_axis(attrs, in[0].shape(), "logcumsumexp");
  const int64_t n = in[0].shape()[axis];
  const bool reverse = attrs.flag("reverse");
  Tensor y = widened(in[0]);
  for (int64_t step = 1; step < n; step *= 2) {
    const Tensor first = piece(y, axis, 0, n - step), last = piece(y, axis, step, n);
    const Tensor sums = fn::call("logaddexp", {first, last});
    const Tensors parts = reverse ? Tensors{sums, piece(y, axis, n - step, n)} : Tensors{piece(y, axis, 0, step), sums};
    y = fn::call("concat", parts, {{"axis", int64_t{axis}}});
  }
  return {fn::cast(y, in[0].dtype())};
}

const Op* registered =
    define("logcumsumexp")
        .in("x", Takes::Number)
        .floats()
        .attr_nullable("axis", AttrKind::Int)
        .attr("reverse", false)
        .compose(definition)
        .doc(
            R"(the logarithm of the sum of exp(x) over each element and those before it along an axis; those behind it with reverse.
Shapes    x [...] -> [...]; axis may be None for one axis
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have; None for several
Grad      x
Numerics  a tree of logaddexp, about log2(n) roundings deep; nothing overflows
Source    Hillis & Steele 1986)",
            R"(>>> [round(v, 4) for v in pt.logcumsumexp(pt.zeros(3)).numpy().tolist()]
[0.0, 0.6931, 1.0986])");

const AutocastRule rule("logcumsumexp", Precision::Full);

}  // namespace
}  // namespace pt
