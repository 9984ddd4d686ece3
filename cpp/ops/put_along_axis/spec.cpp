#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/complex.h"
#include "ops/functional.h"
#include "ops/scatter_add/plan.h"

namespace pt {
namespace {

// The index is one for both parts.
Tensors of_complex(const Tensors& in, const Attrs& given) {
  Attrs attrs = given;
  attrs.set("axis", int64_t{normal_axis(given.integer("axis"), in[1].ndim(), "put_along_axis")});
  Shape shape = in[0].shape(), pairs = shape;
  shape.push_back(1);
  pairs.push_back(2);
  const Tensor index = fn::broadcast_to(fn::reshape(in[0], shape), pairs);
  return {joined(fn::call("put_along_axis", {index, parts_of(in[1])}, attrs))};
}

const Op* registered =
    define("put_along_axis")
        .in_index("index")
        .in("updates", Takes::Number)
        .attr("axis", -1)
        .attr_required("size", AttrKind::Int)
        .batch(batch_along_axis)
        .shape(put_along_shape)
        .indexes([](std::span<const TensorType>, const Attrs& attrs) -> Indexed {
          return {0, attrs.integer("size")};
        })
        .saves({true, false})
        .vjp([](const VjpContext& c) -> Tensors {
          return {Tensor(), fn::call("take_along_axis", {c.grad[0], c.in[0]}, {{"axis", c.attrs.integer("axis")}})};
        })
        .complex(of_complex)
        .doc(R"(zeros with each update added at its place along the axis: the gradient of take_along_axis.
Shapes    index [..., k, ...], updates [..., k, ...] -> [..., size, ...]
Dtypes    updates all numbers; index int32 or int64
Errors    an index outside -size..size-1, reported when the call or the compiled step ends
Grad      updates
Numerics  updates of one place add up in their order, f16 and bf16 in f32
Source    NumPy, put_along_axis, which sums here)",
             R"(>>> pt.ops.functional.OPERATORS["put_along_axis"](pt.tensor([2]), pt.ones(1), size=3).numpy().tolist()
[0.0, 0.0, 1.0])");

}  // namespace
}  // namespace pt
