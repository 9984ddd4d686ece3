#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("median")
        .in("x", Takes::Number)
        .floats()
        .attr_nullable("axis", AttrKind::Int)
        .attr("keepdims", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          Attrs half = attrs;
          half.set("q", 0.5);
          return {fn::call("quantile", {in[0]}, half)};
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
