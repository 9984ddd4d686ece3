#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered = define("diff")
                           .in("x")
                           .attr_count("n", 0, 1)
                           .attr("axis", -1)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const int axis = normal_axis(attrs.integer("axis"), in[0].ndim(), "diff");
                             const int64_t times = attrs.integer("n");
                             Tensor x = in[0];
                             for (int64_t i = 0; i < times && x.shape()[axis] > 0; ++i) {
                               const int64_t size = x.shape()[axis];
                               const Tensor later = piece(x, axis, 1, size), before = piece(x, axis, 0, size - 1);
                               x = x.dtype() == DType::Bool ? fn::call("not_equal", {later, before}) : later - before;
                             }
                             return {x};
                           })
                           .complex()
                           .doc(R"(the difference of each element and the one before along an axis, taken n times.
Shapes    x [..., m, ...] -> [..., max(m - n, 0), ...]
Dtypes    all; of bool, where neighbours differ
Errors    an axis that x does not have; n below 0
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.diff(pt.tensor([1, 4, 9])).numpy().tolist()
[3, 5])");

}  // namespace
}  // namespace pt
