#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("nll_loss")
        .in("input", Takes::Number)
        .in_index("target")
        .in_optional("weight", Takes::Number)
        .floats()
        .attr_nullable("ignore_index", AttrKind::Int)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const auto [labels, kept] = kept_labels(label_column(in[0], in[1], "nll_loss"), attrs);
          const Attrs along{{"axis", int64_t{-1}}};
          Tensor loss = -fn::call("take_along_axis", {widened(in[0]), labels}, along);
          if (in[2].defined()) {
            if (in[2].shape() != Shape{in[0].shape().back()}) {
              throw ShapeError(text("[nll_loss] weight is ", in[2].type(), ", input is ", in[0].type(),
                                    "; expected one weight per class; reshape it"));
            }
            loss = loss * fn::call("take", {widened(in[2]), labels});
          }
          if (kept.defined()) loss = fn::where(kept, loss, fn::number(0));
          return {fn::cast(fn::reshape(loss, in[1].shape()), in[0].dtype())};
        })
        .doc(
            R"(minus the log-probability that input gives to each label, times the weight of its class: one value per row.
Shapes    input [..., c], target [...], weight [c] -> [...]
Dtypes    floats; target integers; f16 and bf16 are computed in f32 and rounded once
Errors    target not of the shape of input without the last axis; a label outside -c..c-1 that is not ignore_index, reported
          when the call or the compiled step ends
Grad      input, weight
Numerics  0 for labels that are ignore_index
Source    PyTorch, nn.functional.nll_loss)",
            R"(>>> pt.ops.functional.OPERATORS["nll_loss"](pt.tensor([[-1.0, -2.0]]), pt.tensor([1])).numpy().tolist()
[2.0])");

const AutocastRule rule("nll_loss", Precision::Full);

}  // namespace
}  // namespace pt
