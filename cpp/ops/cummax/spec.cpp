#include "ops/scan/running.h"

namespace pt {
namespace {

const Op* position = define("cummax_position")
                         .in("x")
                         .attr("axis", -1)
                         .no_gradient()
                         .shape([](const InferContext& c) -> Types {
                           running_axis(c.attrs, c.in[0].shape, c.op.name);
                           return {{DType::I64, c.in[0].shape}};
                         })
                         .plan([](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs) {
                           const int axis = running_axis(attrs, in[0].shape, "cummax_position");
                           return plan_scan(ScanKind::ArgMax, in[0], out[0], axis, false, false);
                         })
                         .doc(R"(where along an axis the largest element so far is, the last of equal ones.
Shapes    x [...] -> int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      none)",
                              R"(>>> pt.cummax_position(pt.tensor([2, 1, 3])).numpy().tolist()
[0, 0, 2])");

const Op* registered =
    define("cummax")
        .in("x")
        .attr("axis", -1)
        .outputs(2)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor at = fn::call("cummax_position", {in[0]}, attrs);
          return {fn::call("take_along_axis", {in[0], at}, attrs), at};
        })
        .doc(R"(the largest element so far along an axis, and where it is, the last of equal ones; from a NaN on, NaN.
Shapes    x [...] -> [...], int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      x)",
             R"(>>> [t.numpy().tolist() for t in pt.cummax(pt.tensor([2, 1, 3]))]
[[2, 2, 3], [0, 0, 2]])");

}  // namespace
}  // namespace pt
