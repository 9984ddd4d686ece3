#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered = define("unstack")
                           .in("x")
                           .attr("axis", 0)
                           .outputs(kVarying)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const int axis = normal_axis(attrs.integer("axis"), in[0].ndim(), "unstack");
                             Shape shape = in[0].shape();
                             const int64_t n = shape[axis];
                             shape.erase(axis);
                             if (n == 0) {
                               throw ShapeError(text("[unstack] x is ", in[0].type(), ", axis = ", axis,
                                                     "; expected at least one tensor; check for an empty input"));
                             }
                             check_pieces("unstack", n);
                             Tensors all;
                             for (int64_t i = 0; i < n; ++i) {
                               all.push_back(fn::reshape(piece(in[0], axis, i, i + 1), shape));
                             }
                             return all;
                           })
                           .complex()
                           .doc(R"(the tensors that x is stacked of along an axis. Views.
Shapes    x [..., n, ...] -> n times [...]
Dtypes    all
Errors    an axis that x does not have, or without elements
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> [part.shape for part in pt.unstack(pt.ones((2, 3)))]
[(3,), (3,)])");

}  // namespace
}  // namespace pt
