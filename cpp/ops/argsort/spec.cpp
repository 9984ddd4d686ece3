#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("argsort")
                           .in("x")
                           .attr("axis", -1)
                           .attr("descending", false)
                           .no_gradient()
                           .batch(batch_along_axis)
                           .shape([](const InferContext& c) -> Types {
                             normal_axis(c.attrs.integer("axis"), c.in[0].shape.size(), c.op.name);
                             return {{DType::I64, c.in[0].shape}};
                           })
                           .doc(R"(the positions along an axis that put x in order; equal elements keep theirs.
Shapes    x [...] -> int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      none
Numerics  NaN counts as the largest, so it comes last, or first if descending; -0.0 equals 0.0
Source    the array API standard 2024.12)",
                                R"(>>> pt.argsort(pt.tensor([3, 1, 2])).numpy().tolist()
[1, 2, 0])");

}  // namespace
}  // namespace pt
