#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = composed_reduction("mean")
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Tensor x = widened(in[0]);
                             const Ints axes = reduced_axes(attrs, x.ndim(), "mean");
                             const double n = static_cast<double>(reduced_count(x.shape(), axes));
                             return {fn::cast(fn::sum(x, axes, attrs.flag("keepdims")) / fn::number(n), in[0].dtype())};
                           })
                           .complex(along_axes("mean"))
                           .doc(R"(the sum over the given axes, divided by the number of elements.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have
Grad      x
Numerics  NaN without elements
Source    the array API standard 2024.12)",
                                R"(>>> pt.mean(pt.arange(4)).item()
1.5)");

const AutocastRule rule("mean", Precision::Full);

}  // namespace
}  // namespace pt
