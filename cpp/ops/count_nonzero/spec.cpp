#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("count_nonzero")
        .in("x")
        .attr_ints("axis", std::nullopt, true)
        .attr("keepdims", false)
        .no_gradient()
        .shape([](const InferContext& c) -> Types {
          const Ints axes = reduced_axes(c.attrs, c.in[0].shape.size(), c.op.name);
          return {{DType::I64, reduced_shape(c.in[0].shape, axes, c.attrs.flag("keepdims"))}};
        })
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {fn::call("sum", {fn::call("not_equal", {in[0], Tensor::scalar(0, in[0].dtype())})}, attrs)};
        })
        .complex([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {fn::call("count_nonzero", {fn::call("not_equal", {in[0], fn::number(0)})}, attrs)};
        })
        .doc(R"(how many elements are not zero, over the given axes; NaN is not.
Shapes    x [...] -> int64, x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all
Errors    an axis that x does not have
Grad      none
Source    the array API standard 2024.12)",
             R"(>>> pt.count_nonzero(pt.tensor([0, 3, 0])).item()
1)");

}  // namespace
}  // namespace pt
