#include "ops/functional.h"
#include "ops/sort/first.h"

namespace pt {
namespace {

const Op* registered =
    define("topk")
        .in("x")
        .attr_required("k", AttrKind::Int)
        .attr("axis", -1)
        .attr("largest", true)
        .outputs(2)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int axis = axis_with_k("topk", in[0].shape(), attrs, text(in[0].type()));
          const Attrs wanted{{"k", attrs.integer("k")}, {"axis", int64_t{axis}}, {"largest", attrs.flag("largest")}};
          const Tensor index = fn::call("argtopk", {in[0]}, wanted);
          return {fn::call("take_along_axis", {in[0], index}, {{"axis", int64_t{axis}}}), index};
        })
        .doc(
            R"(the k largest elements along an axis, the largest first, and where they are; the smallest if not largest.
Shapes    x [..., n, ...] -> [..., k, ...], int64 [..., k, ...]
Dtypes    all
Errors    an axis that x does not have; k outside 0..n
Grad      x
Numerics  NaN counts as the largest; of equal elements the first come first
Source    PyTorch, topk)",
            R"(>>> [t.numpy().tolist() for t in pt.topk(pt.tensor([3, 1, 2]), 2)]
[[3, 2], [0, 2]])");

}  // namespace
}  // namespace pt
