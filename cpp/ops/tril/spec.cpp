#include "ops/triangle.h"

namespace pt {
namespace {

const Op* registered = define("tril")
                           .in("x")
                           .attr("k", 0)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Tensor kept = triangle_mask(in[0], attrs.integer("k"), true, "tril");
                             return {fn::where(kept, in[0], Tensor::scalar(0, in[0].dtype()))};
                           })
                           .complex()
                           .doc(R"(each matrix with zeros above its diagonal k columns to the right of the main one.
Shapes    x [..., m, n] -> [..., m, n]
Dtypes    all
Errors    x of less than two axes
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.tril(pt.tensor([[1, 2], [3, 4]])).numpy().tolist()
[[1, 0], [3, 4]])");

}  // namespace
}  // namespace pt
