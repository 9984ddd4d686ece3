#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = composed_reduction("std")
                           .attr("correction", 0.0)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             // A row of equal elements has no direction in which it grows: its gradient is 0, which is
                             // that of the variance there.
                             const Tensor x = widened(in[0]);
                             Attrs kept = attrs;
                             kept.set("keepdims", true);
                             const Tensor var = fn::call("var", {x}, kept);
                             const Tensor flat = fn::equal(var, fn::number(0));
                             const Tensor root = fn::sqrt(fn::where(flat, fn::number(1), var));
                             const Tensor deviation = fn::cast(fn::where(flat, var, root), in[0].dtype());
                             if (attrs.flag("keepdims")) return {deviation};
                             const Ints axes = reduced_axes(attrs, x.ndim(), "std");
                             return {fn::reshape(deviation, reduced_shape(x.shape(), axes, false))};
                           })
                           .doc(R"(the standard deviation: the root of var.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have
Grad      x; 0 where it is 0
Numerics  as var: two passes, divided by n - correction
Source    the array API standard 2024.12)",
                                R"(>>> round(pt.std(pt.arange(4)).item(), 4)
1.118)");

const AutocastRule rule("std", Precision::Full);

}  // namespace
}  // namespace pt
