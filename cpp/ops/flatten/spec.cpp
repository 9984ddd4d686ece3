#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("flatten")
                           .in("x")
                           .attr("start_axis", 0)
                           .attr("end_axis", -1)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Shape& from = in[0].shape();
                             if (from.empty()) return {fn::reshape(in[0], {1})};
                             const int first = normal_axis(attrs.integer("start_axis"), from.size(), "flatten");
                             const int last = normal_axis(attrs.integer("end_axis"), from.size(), "flatten");
                             if (first > last) {
                               throw ShapeError(text("[flatten] start_axis = ", first, ", end_axis = ", last,
                                                     "; expected a start that is not behind the stop; exchange them"));
                             }
                             Shape shape;
                             for (int i = 0; i < from.size(); ++i) {
                               if (i <= first || i > last)
                                 shape.push_back(from[i]);
                               else
                                 shape[first] *= from[i];
                             }
                             return {fn::reshape(in[0], shape)};
                           })
                           .complex()
                           .doc(R"(x with the axes from start to stop, both included, as one.
Shapes    x [a..., b..., c...] -> [a..., product of b, c...]; a scalar gets one axis
Dtypes    all
Errors    an axis that x does not have; a start behind the stop
Grad      x
Source    PyTorch, flatten)",
                                R"(>>> pt.flatten(pt.ones((2, 3, 4)), 1).shape
(2, 12))");

}  // namespace
}  // namespace pt
