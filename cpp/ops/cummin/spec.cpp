#include "ops/scan/running.h"

namespace pt {
namespace {

const Op* position = define("cummin_position")
                         .in("x")
                         .attr("axis", -1)
                         .no_gradient()
                         .shape([](const InferContext& c) -> Types {
                           running_axis(c.attrs, c.in[0].shape, c.op.name);
                           return {{DType::I64, c.in[0].shape}};
                         })
                         .plan([](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs) {
                           const int axis = running_axis(attrs, in[0].shape, "cummin_position");
                           return plan_scan(ScanKind::ArgMin, in[0], out[0], axis, false, false);
                         })
                         .doc(R"(where along an axis the smallest element so far is, the last of equal ones.
Shapes    x [...] -> int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      none)",
                              R"(>>> pt.cummin_position(pt.tensor([2, 1, 3])).numpy().tolist()
[0, 1, 1])");

const Op* registered =
    define("cummin")
        .in("x")
        .attr("axis", -1)
        .outputs(2)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor at = fn::call("cummin_position", {in[0]}, attrs);
          return {fn::call("take_along_axis", {in[0], at}, attrs), at};
        })
        .doc(R"(the smallest element so far along an axis, and where it is, the last of equal ones; from a NaN on, NaN.
Shapes    x [...] -> [...], int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      x)",
             R"(>>> [t.numpy().tolist() for t in pt.cummin(pt.tensor([2, 1, 3]))]
[[2, 1, 1], [0, 1, 1]])");

}  // namespace
}  // namespace pt
