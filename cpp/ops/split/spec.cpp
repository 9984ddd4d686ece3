#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("split")
        .in("x")
        .attr_required("parts", AttrKind::Int)
        .attr("axis", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          const int axis = normal_axis(attrs.integer("axis"), shape.size(), "split");
          const int64_t parts = attrs.integer("parts");
          if (parts < 1 || shape[axis] % parts != 0) {
            throw ShapeError(text("[split] x is ", in[0].type(), ", parts = ", parts, ", axis = ", axis,
                                  "; expected a number that divides the axis; use slices for uneven parts"));
          }
          const int64_t size = shape[axis] / parts;
          Tensors pieces;
          for (int64_t part = 0; part < parts; ++part) {
            Ints start(static_cast<std::size_t>(shape.size()), 0), stop = to_ints(shape);
            start[static_cast<std::size_t>(axis)] = part * size;
            stop[static_cast<std::size_t>(axis)] = (part + 1) * size;
            pieces.push_back(fn::call("slice", {in[0]}, {{"start", start}, {"stop", stop}}));
          }
          return pieces;
        })
        .doc(R"(x cut into equal parts along an axis. Views.
Shapes    x [..., parts n, ...] -> parts times [..., n, ...]
Dtypes    all
Errors    a number of parts that does not divide the axis
Grad      x)",
             R"(>>> [part.shape for part in pt.split(pt.ones((2, 6)), 3, axis=1)]
[(2, 2), (2, 2), (2, 2)])");

}  // namespace
}  // namespace pt
