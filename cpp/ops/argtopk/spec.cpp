#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/sort/first.h"

namespace pt {
namespace {

int axis_of(const Shape& shape, const Attrs& attrs) { return axis_with_k("argtopk", shape, attrs, text(shape)); }

const Op* registered =
    define("argtopk")
        .in("x")
        .attr_required("k", AttrKind::Int)
        .attr("axis", -1)
        .attr("largest", true)
        .no_gradient()
        .batch(batch_along_axis)
        .shape([](const InferContext& c) -> Types {
          Shape shape = c.in[0].shape;
          shape[axis_of(c.in[0].shape, c.attrs)] = c.attrs.integer("k");
          return {{DType::I64, shape}};
        })
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int axis = axis_of(in[0].shape(), attrs);
          const Tensor order =
              fn::call("argsort", {in[0]}, {{"axis", int64_t{axis}}, {"descending", attrs.flag("largest")}});
          Ints stop = to_ints(in[0].shape());
          stop[static_cast<std::size_t>(axis)] = attrs.integer("k");
          return {fn::call("slice", {order}, {{"start", Ints(stop.size(), 0)}, {"stop", stop}})};
        })
        .doc(R"(where the k largest elements along an axis are, the largest first; the smallest if not largest.
Shapes    x [..., n, ...] -> int64 [..., k, ...]
Dtypes    all
Errors    an axis that x does not have; k outside 0..n
Grad      none
Numerics  NaN counts as the largest; of equal elements the first come first
Source    PyTorch, topk)",
             R"(>>> pt.ops.functional.OPERATORS["argtopk"](pt.tensor([3, 1, 2]), k=2).numpy().tolist()
[0, 2])");

}  // namespace
}  // namespace pt
