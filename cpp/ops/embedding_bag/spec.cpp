#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("embedding_bag")
        .in_index("input")
        .in("weight", Takes::Float)
        .in_optional("per_sample_weights", Takes::Float)
        .attr("mode", "mean", {"sum", "mean", "max"})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const std::string& mode = attrs.str("mode");
          const bool weighted = in[2].defined();
          if (!is_int(in[0].dtype()) || in[0].ndim() != 2 || in[1].ndim() != 2 || in[0].shape()[1] == 0 ||
              (weighted && (in[2].shape() != in[0].shape() || mode != "sum"))) {
            throw ShapeError(
                text("[embedding_bag] input is ", in[0].type(), ", weight is ", in[1].type(), ", mode = ", mode,
                     "; expected integers [n, k], a weight [rows, width], and per_sample_weights [n, k] with mode sum "
                     "alone; pad bags to one length with weights of 0"));
          }
          Tensor rows = widened(fn::call("take", {in[1], as_index(in[0])}));
          if (weighted) {
            Shape column = in[2].shape();
            column.push_back(1);
            rows = rows * fn::reshape(widened(in[2]), column);
          }
          const Tensor bag = mode == "max" ? fn::max(rows, {1}, false) : fn::sum(rows, {1}, false);
          const Tensor y = mode == "mean" ? bag / fn::number(static_cast<double>(in[0].shape()[1])) : bag;
          return {fn::cast(y, in[1].dtype())};
        })
        .doc(R"(rows of weight by index, summed, averaged or maximised over each bag.
Shapes    input [n, k], weight [rows, width], per_sample_weights [n, k] -> [n, width]
Dtypes    weight floats; input integers; f16 and bf16 are computed in f32 and rounded once
Errors    other shapes; bags without elements; weights with a mode other than sum; an index outside -rows..rows-1,
          reported when the call or the compiled step ends
Grad      weight, per_sample_weights
Source    PyTorch, nn.functional.embedding_bag)",
             R"(>>> pt.ops.functional.OPERATORS["embedding_bag"](pt.tensor([[0, 1]]), pt.eye(2)).numpy().tolist()
[[0.5, 0.5]])");

}  // namespace
}  // namespace pt
