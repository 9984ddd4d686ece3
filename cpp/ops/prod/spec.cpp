#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = reduction("prod", ReduceKind::Prod, Takes::Any, ResultType::Sum, false)
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Shape& full = c.in_types[0].shape;
                             const Ints axes = reduced_axes(c.attrs, full.size(), "prod");
                             const Tensor x = c.in[0], zero = fn::number(0), one = fn::number(1);
                             // The product of the others: with one zero only its own place sees them, with two nobody
                             // does.
                             const Tensor is_zero = fn::equal(x, zero);
                             const Tensor zeros = fn::sum(fn::cast(is_zero, x.dtype()), axes, true);
                             const Tensor filled = fn::where(is_zero, one, x);
                             const Tensor rest = fn::call("prod", {filled}, {{"axis", axes}, {"keepdims", true}});
                             const Tensor others =
                                 fn::where(fn::equal(zeros, fn::where(is_zero, one, zero)), rest / filled, zero);
                             return {restore_axes(c.grad[0], full, axes) * others};
                           })
                           .doc(R"(the product over the given axes.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all; integers and bool are multiplied in int64 and wrap
Errors    an axis that x does not have
Grad      x; exact with zeros too)",
                                R"(>>> pt.prod(pt.full((3,), 2.0)).item()
8.0)");

const AutocastRule rule("prod", Precision::Full);

}  // namespace
}  // namespace pt
