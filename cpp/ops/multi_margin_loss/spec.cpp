#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("multi_margin_loss")
        .in("input", Takes::Number)
        .in_index("target")
        .in_optional("weight", Takes::Number)
        .floats()
        .attr("p", 1)
        .attr("margin", 1.0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor x = widened(in[0]), labels = label_column(in[0], in[1], "multi_margin_loss");
          const int64_t p = attrs.integer("p"), classes = x.shape().back();
          if (p != 1 && p != 2) {
            throw ShapeError(text("[multi_margin_loss] p = ", p, "; expected 1 or 2; 1 is usual"));
          }
          if (in[2].defined() && in[2].shape() != Shape{classes}) {
            throw ShapeError(text("[multi_margin_loss] weight is ", in[2].type(), ", input is ", in[0].type(),
                                  "; expected one weight per class; reshape it"));
          }
          const Tensor right = fn::call("take_along_axis", {x, labels}, {{"axis", int64_t{-1}}});
          Tensor short_by = fn::call("relu", {x - right + attrs.number("margin")});
          if (p == 2) short_by = fn::square(short_by);
          if (in[2].defined()) short_by = short_by * fn::call("take", {widened(in[2]), labels});
          const Tensor others = fn::where(label_mask(labels, classes), fn::number(0), short_by);
          return {fn::cast(fn::mean(others, {-1}, false), in[0].dtype())};
        })
        .doc(
            R"(by how much the score of each label is not above the other scores by a margin, to the power p, over the number of classes: one value per row.
Shapes    input [..., c], target [...], weight [c] -> [...]
Dtypes    floats; target integers; f16 and bf16 are computed in f32 and rounded once
Errors    target not of the shape of input without the last axis; p neither 1 nor 2; a label outside -c..c-1, reported when
          the call or the compiled step ends
Grad      input, weight
Source    PyTorch, nn.functional.multi_margin_loss)",
            R"(>>> pt.ops.functional.OPERATORS["multi_margin_loss"](pt.tensor([[0.0, 3.0]]), pt.tensor([0])).numpy().tolist()
[2.0])");

const AutocastRule rule("multi_margin_loss", Precision::Full);

}  // namespace
}  // namespace pt
