#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("sort")
                           .in("x")
                           .attr("axis", -1)
                           .attr("descending", false)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Tensor order = fn::call("argsort", {in[0]}, attrs);
                             return {fn::call("take_along_axis", {in[0], order}, {{"axis", attrs.integer("axis")}})};
                           })
                           .doc(R"(x in order along an axis.
Shapes    x [...] -> [...]
Dtypes    all
Errors    an axis that x does not have
Grad      x; each goes back to its place, that of equal elements in their order
Numerics  NaN counts as the largest, so it comes last, or first if descending
Source    the array API standard 2024.12)",
                                R"(>>> pt.sort(pt.tensor([3, 1, 2])).numpy().tolist()
[1, 2, 3])");

}  // namespace
}  // namespace pt
