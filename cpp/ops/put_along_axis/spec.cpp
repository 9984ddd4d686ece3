#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/scatter_add/plan.h"

namespace pt {
namespace {

const Op* registered =
    define("put_along_axis")
        .in_index("index")
        .in("updates", Takes::Number)
        .attr("axis", -1)
        .attr_required("size", AttrKind::Int)
        .batch(batch_along_axis)
        .shape(put_along_shape)
        .plan([](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs) {
          const int axis = normal_axis(attrs.integer("axis"), out[0].shape.size(), "put_along_axis");
          return plan_put_along(in[0], in[1], out[0], axis);
        })
        .saves({true, false})
        .vjp([](const VjpContext& c) -> Tensors {
          return {Tensor(), fn::call("take_along_axis", {c.grad[0], c.in[0]}, {{"axis", c.attrs.integer("axis")}})};
        })
        .doc(R"(zeros with each update added at its place along the axis: the gradient of take_along_axis.
Shapes    index [..., k, ...], updates [..., k, ...] -> [..., size, ...]
Dtypes    updates all numbers; index int32 or int64
Errors    an index outside -size..size-1, reported when the call or the compiled step ends
Grad      updates
Numerics  updates of one place add up in their order, f16 and bf16 in f32)",
             R"(>>> pt.put_along_axis(pt.tensor([2]), pt.ones(1), size=3).numpy().tolist()
[0.0, 0.0, 1.0])");

}  // namespace
}  // namespace pt
