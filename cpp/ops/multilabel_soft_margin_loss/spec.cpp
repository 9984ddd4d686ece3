#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("multilabel_soft_margin_loss")
        .in("input", Takes::Number)
        .in("target", Takes::Number)
        .in_optional("weight", Takes::Number)
        .floats()
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          if (in[0].ndim() == 0 || in[0].shape() != in[1].shape()) {
            throw ShapeError(text("[multilabel_soft_margin_loss] input is ", in[0].type(), ", target is ", in[1].type(),
                                  "; expected one shape of at least one axis; reshape target"));
          }
          Tensor loss = fn::call("binary_cross_entropy_with_logits", {widened(in[0]), widened(in[1])});
          if (in[2].defined()) loss = loss * widened(in[2]);
          return {fn::cast(fn::mean(loss, {-1}, false), in[0].dtype())};
        })
        .doc(
            R"(the mean over classes of the binary cross-entropy of each, times its weight: one value per row.
Shapes    input [..., c], target [..., c], weight [c] -> [...]
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that differ
Grad      input, target, weight
Source    PyTorch, nn.functional.multilabel_soft_margin_loss)",
            R"(>>> round(pt.ops.functional.OPERATORS["multilabel_soft_margin_loss"](pt.zeros((1, 2)), pt.ones((1, 2))).item(), 4)
0.6931)");

const AutocastRule rule("multilabel_soft_margin_loss", Precision::Full);

}  // namespace
}  // namespace pt
