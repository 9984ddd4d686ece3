#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered =
    composed_reduction("var")
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor x = widened(in[0]);
          const Ints axes = reduced_axes(attrs, x.ndim(), "var");
          // Two passes: one pass loses all digits when |mean| >> std.
          const Tensor centered = x - fn::mean(x, axes, true);
          return {fn::cast(fn::mean(fn::square(centered), axes, attrs.flag("keepdims")), in[0].dtype())};
        })
        .doc(R"(the mean of the squared distance from the mean (divided by n, not n - 1).
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have
Grad      x
Numerics  two passes; NaN without elements)",
             R"(>>> pt.var(pt.arange(4)).item()
1.25)");

}  // namespace
}  // namespace pt
