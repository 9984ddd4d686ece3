#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("expand_dims")
                           .in("x")
                           .attr_ints("axis")
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const int ndim = in[0].ndim() + static_cast<int>(attrs.ints("axis").size());
                             const Ints axes = reduced_axes(attrs, ndim, "expand_dims");
                             Shape shape;
                             int next = 0;
                             for (int i = 0; i < ndim; ++i)
                               shape.push_back(contains(axes, i) ? 1 : in[0].shape()[next++]);
                             return {fn::reshape(in[0], shape)};
                           })
                           .complex()
                           .doc(R"(x with axes of size 1 added, counted in the result. A view.
Shapes    x [...] -> [..., 1, ...]
Dtypes    all
Errors    an axis outside the result, or named twice
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.expand_dims(pt.ones(3), 1).shape
(3, 1))");

}  // namespace
}  // namespace pt
