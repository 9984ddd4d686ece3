#include "ops/losses.h"

namespace pt {
namespace {

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor values = fn::call("cross_entropy", in, attrs);
  return {mean_of_labels(values, in[1], in[2], attrs)};
}

const Op* registered =
    define("cross_entropy_mean")
        .in("input", Takes::Number)
        .in_index("target")
        .in_optional("weight", Takes::Number)
        .no_promotion()
        .attr("label_smoothing", 0.0, share)
        .attr_nullable("ignore_index", AttrKind::Int)
        .compose(definition)
        .doc(
            R"(the sum of cross_entropy over the weights of the labels that are not ignore_index.
Shapes    input [..., c], target [...], weight [c] -> []
Dtypes    as cross_entropy
Errors    as cross_entropy
Grad      input, weight
Source    PyTorch, nn.functional.cross_entropy)",
            R"(>>> round(pt.ops.functional.OPERATORS["cross_entropy_mean"](pt.zeros((2, 2)), pt.tensor([1, 0])).item(), 4)
0.6931)");

}  // namespace
}  // namespace pt
