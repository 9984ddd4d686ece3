#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("glu")
        .in("input", Takes::Number)
        .floats()
        .attr("axis", -1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int axis = normal_axis(attrs.integer("axis"), in[0].ndim(), "glu");
          const int64_t n = in[0].shape()[axis];
          if (n % 2 != 0) {
            throw ShapeError(text("[glu] input is ", in[0].type(), ", axis = ", axis,
                                  "; expected an even number of elements along it; give it twice the width"));
          }
          const Tensor x = widened(in[0]);
          return {fn::cast(piece(x, axis, 0, n / 2) * fn::sigmoid(piece(x, axis, n / 2, n)), in[0].dtype())};
        })
        .doc(R"(the first half of input along an axis times the sigmoid of the second.
Shapes    input [..., 2 n, ...] -> [..., n, ...]
Dtypes    floats; integers are computed in float32
Errors    an odd number of elements along the axis
Grad      input
Source    Dauphin et al. 2017)",
             R"(>>> pt.nn.functional.glu(pt.tensor([2.0, 0.0])).numpy().tolist()
[1.0])");

}  // namespace
}  // namespace pt
