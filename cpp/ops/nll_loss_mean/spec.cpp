#include "ops/losses.h"

namespace pt {
namespace {

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor values = fn::call("nll_loss", in, attrs);
  return {mean_of_labels(values, in[1], in[2], attrs)};
}

const Op* registered =
    define("nll_loss_mean")
        .in("input", Takes::Number)
        .in_index("target")
        .in_optional("weight", Takes::Number)
        .no_promotion()
        .attr_nullable("ignore_index", AttrKind::Int)
        .compose(definition)
        .doc(
            R"(the sum of nll_loss over the weights of the labels that are not ignore_index.
Shapes    input [..., c], target [...], weight [c] -> []
Dtypes    as nll_loss
Errors    as nll_loss
Grad      input, weight
Source    PyTorch, nn.functional.nll_loss)",
            R"(>>> pt.ops.functional.OPERATORS["nll_loss_mean"](pt.tensor([[-1.0, -2.0]]), pt.tensor([1])).item()
2.0)");

}  // namespace
}  // namespace pt
