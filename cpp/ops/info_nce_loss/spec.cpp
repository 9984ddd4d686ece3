#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("info_nce_loss")
        .in("input1", Takes::Number)
        .in("input2", Takes::Number)
        .floats()
        .attr("temperature", 0.1, positive)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape &x = in[0].shape(), &y = in[1].shape();
          if (x.size() != 2 || y.size() != 2 || x[1] != y[1] || y[0] < x[0]) {
            throw ShapeError(
                text("[info_nce_loss] input1 is ", in[0].type(), ", input2 is ", in[1].type(),
                     "; expected rows of one width, and at least as many of input2; transpose or reshape one"));
          }
          const Tensor a = fn::call("normalize", {widened(in[0])}), b = fn::call("normalize", {widened(in[1])});
          const Tensor logits = fn::matmul(a, fn::transpose(b, {1, 0})) / fn::number(attrs.number("temperature"));
          const Tensor loss = fn::call("cross_entropy", {logits, counting(x[0], DType::I64)});
          return {fn::cast(loss, in[0].dtype())};
        })
        .doc(
            R"(how well row i of input1 is told to belong to row i of input2 among all rows of input2, by their cosines over the temperature: one value per row.
Shapes    input1 [n, d], input2 [m, d] with m >= n -> [n]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    other shapes; temperature <= 0
Grad      input1, input2
Source    van den Oord, Li & Vinyals 2018; Chen et al. 2020)",
            R"(>>> pt.ops.functional.OPERATORS["info_nce_loss"](pt.eye(2), pt.eye(2)).shape
(2,))");

const AutocastRule rule("info_nce_loss", Precision::Full);

}  // namespace
}  // namespace pt
