#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("embedding")
        .in_index("input")
        .in("weight")
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          if (in[1].ndim() != 2 || !is_int(in[0].dtype())) {
            const bool floats = in[1].ndim() == 2;
            throw ShapeError(
                text("[embedding] input is ", in[0].type(), ", weight is ", in[1].type(),
                     "; expected integers and a weight of two axes; ",
                     floats ? "make token ids of them: input.astype('int64')" : "pass embedding(input, weight)"));
          }
          return {fn::call("take", {in[1], as_index(in[0])}, {{"axis", int64_t{0}}})};
        })
        .doc(R"(the rows of weight at the given places.
Shapes    input [i...], weight [n, d] -> [i..., d]
Dtypes    input integers; weight all
Errors    a weight without two axes; an index outside -n..n-1, reported when the call or the compiled step ends
Grad      weight; rows of one index add up in order
Source    PyTorch, nn.functional.embedding)",
             R"(>>> pt.ops.functional.OPERATORS["embedding"](pt.tensor([1, 1, 0]), pt.ones((2, 4))).shape
(3, 4))");

}  // namespace
}  // namespace pt
