#include "ops/autocast.h"
#include "ops/ranks.h"

namespace pt {
namespace {

const Op* registered =
    define("median")
        .in("x", Takes::Number)
        .floats()
        .attr_nullable("axis", AttrKind::Int)
        .attr("keepdims", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Ranked rank = ranked("median", in[0], attrs, 0.5);
          // Half of each: the difference of two infinities would be no number.
          return {rank.result(rank.between == 0 ? rank.below : 0.5 * rank.below + 0.5 * rank.above)};
        })
        .doc(R"(the middle element in order, or the mean of the two in the middle; NaN where there is one.
Shapes    x [...] -> x without the axis; axis None or an integer; keepdims leaves size 1 where it was
Dtypes    floats; integers are computed in float32
Errors    an axis that x does not have, or without elements
Grad      x; half to each of two in the middle
Source    NumPy, median)",
             R"(>>> pt.median(pt.arange(4)).item()
1.5)");

const AutocastRule rule("median", Precision::Full);

}  // namespace
}  // namespace pt
