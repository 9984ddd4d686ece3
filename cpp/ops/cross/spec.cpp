#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("cross")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .attr("axis", -1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape shape = broadcast(in[0].shape(), in[1].shape(), "cross");
          const int axis = normal_axis(attrs.integer("axis"), shape.size(), "cross");
          const Tensor a = fn::broadcast_to(in[0], shape), b = fn::broadcast_to(in[1], shape);
          if (shape[axis] != 3) {
            throw ShapeError(text("[cross] a is ", in[0].type(), ", b is ", in[1].type(), ", axis = ", axis,
                                  "; expected 3 elements along it; choose another axis"));
          }
          // (y, z, x) of one times (z, x, y) of the other, and the other way around.
          const Attrs once{{"shift", Ints{-1}}, {"axis", Ints{axis}}}, twice{{"shift", Ints{-2}}, {"axis", Ints{axis}}};
          return {fn::call("roll", {a}, once) * fn::call("roll", {b}, twice) -
                  fn::call("roll", {a}, twice) * fn::call("roll", {b}, once)};
        })
        .complex()
        .doc(R"(the vector product of a and b, which have 3 elements along an axis.
Shapes    a [..., 3], b [..., 3] -> [..., 3], broadcast
Dtypes    all numbers
Errors    shapes that do not broadcast; not 3 elements along the axis
Grad      a, b
Source    the array API standard 2024.12 (linalg.cross))",
             R"(>>> pt.cross(pt.tensor([1, 0, 0]), pt.tensor([0, 1, 0])).numpy().tolist()
[0, 0, 1])");

}  // namespace
}  // namespace pt
