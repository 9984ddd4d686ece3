#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = reduction("min", ReduceKind::Min, Takes::Any, ResultType::Input, true)
                           .saves({true}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Shape& full = c.in_types[0].shape;
                             const Ints axes = reduced_axes(c.attrs, full.size(), "min");
                             const Tensor best = fn::equal(c.in[0], restore_axes(c.out[0], full, axes));
                             // Ties share equally.
                             const Tensor share = fn::cast(best, c.grad[0].dtype());
                             return {share * (restore_axes(c.grad[0], full, axes) / fn::sum(share, axes, true))};
                           })
                           .doc(R"(the smallest element over the given axes; NaN where one is NaN.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all
Errors    an axis that x does not have; no element along an axis
Grad      x; equal elements share it equally
Source    the array API standard 2024.12)",
                                R"(>>> pt.min(pt.arange(4)).item()
0)");

}  // namespace
}  // namespace pt
