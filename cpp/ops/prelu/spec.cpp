#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("prelu")
        .in("input", Takes::Number)
        .in("weight", Takes::Number)
        .floats()
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Shape &x = in[0].shape(), &w = in[1].shape();
          if (!(w.empty() || w == Shape{1} || (!x.empty() && w == Shape{x.back()}))) {
            throw ShapeError(text("[prelu] weight is ", in[1].type(), ", input is ", in[0].type(),
                                  "; expected one slope, or one per channel (the last axis of input); reshape weight"));
          }
          const Tensor value = widened(in[0]), above = fn::greater(value, fn::number(0));
          // The slope meets no element above zero, which may be infinite.
          const Tensor scaled = widened(in[1]) * fn::where(above, fn::number(0), value);
          const Tensor y = fn::where(above, value, scaled);
          return {fn::reshape(fn::cast(y, in[0].dtype()), x)};
        })
        .doc(R"(input where it is above zero, else weight times input, weight being learned.
Shapes    input [..., c], weight [], [1] or [c] -> [..., c]
Dtypes    floats; integers are computed in float32
Errors    weight that is neither one number nor one per channel
Grad      input, weight
Source    He et al. 2015)",
             R"(>>> pt.nn.functional.prelu(pt.tensor([-2.0]), 0.5).numpy().tolist()
[-1.0])");

}  // namespace
}  // namespace pt
