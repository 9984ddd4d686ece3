#include "ops/autocast.h"
#include "ops/composed.h"
#include "ops/ranks.h"

namespace pt {
namespace {

const Op* registered =
    define("quantile")
        .in("x", Takes::Number)
        .floats()
        .attr("q", 0.5, share)
        .attr_nullable("axis", AttrKind::Int)
        .attr("keepdims", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Ranked rank = ranked("quantile", in[0], attrs, attrs.number("q"));
          return {rank.result(rank.below + rank.between * (rank.above - rank.below))};
        })
        .doc(
            R"(the value below which a share q of the elements lies, on the straight line between its neighbours in order.
Shapes    x [...] -> x without the axis; axis None or an integer; keepdims leaves size 1 where it was
Dtypes    floats; integers are computed in float32
Errors    an axis that x does not have, or without elements; q outside 0 to 1
Grad      x; to the two neighbours
Numerics  NaN where there is one
Source    NumPy, quantile)",
            R"(>>> pt.quantile(pt.arange(5), 0.25).item()
1.0)");

const AutocastRule rule("quantile", Precision::Full);

}  // namespace
}  // namespace pt
