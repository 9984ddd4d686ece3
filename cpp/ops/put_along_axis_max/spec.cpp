#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/scatter_add/plan.h"

namespace pt {
namespace {

Tensors gradient(const VjpContext& c) {
  const Attrs along{{"axis", c.attrs.integer("axis")}};
  const auto at_places = [&](const Tensor& x) { return fn::call("take_along_axis", {x, c.in[0]}, along); };
  const Tensor won = fn::cast(fn::equal(at_places(c.out[0]), c.in[1]), c.grad[0].dtype());
  // Ties share equally.
  const Tensor ties = fn::call("put_along_axis", {c.in[0], won}, c.attrs);
  return {Tensor(), won * (at_places(c.grad[0]) / fn::maximum(at_places(ties), fn::number(1)))};
}

const Op* registered =
    define("put_along_axis_max")
        .in_index("index")
        .in("updates")
        .attr("axis", -1)
        .attr_required("size", AttrKind::Int)
        .batch(batch_along_axis)
        .shape(put_along_shape)
        .indexes([](std::span<const TensorType>, const Attrs& attrs) -> Indexed {
          return {0, attrs.integer("size")};
        })
        .saves({true, true}, {true})
        .vjp(gradient)
        .doc(
            R"(the largest of the updates for each place along the axis; -inf, or the smallest integer, where there is none.
Shapes    index [..., k, ...], updates [..., k, ...] -> [..., size, ...]
Dtypes    updates all; index int32 or int64
Errors    an index outside -size..size-1, reported when the call or the compiled step ends
Grad      updates; equal ones share it equally
Numerics  a NaN is the largest
Source    that of scatter_reduce)",
            R"(>>> pt.ops.functional.OPERATORS["put_along_axis_max"](pt.tensor([1, 1]), pt.tensor([3.0, 2.0]), size=2).numpy().tolist()
[-inf, 3.0])");

}  // namespace
}  // namespace pt
