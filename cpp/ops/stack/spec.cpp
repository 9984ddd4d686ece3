#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("stack")
        .in_list("tensors")
        .attr("axis", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int axis = normal_axis(attrs.integer("axis"), in[0].ndim() + 1, "stack");
          Tensors pieces;
          for (const Tensor& tensor : in) {
            if (tensor.shape() != in[0].shape()) {
              throw ShapeError(text("[stack] tensor 0 is ", in[0].type(), ", tensor ", pieces.size(), " is ",
                                    tensor.type(), "; expected one shape; reshape or broadcast one"));
            }
            Shape shape = tensor.shape();
            shape.insert(axis, 1);
            pieces.push_back(fn::reshape(tensor, shape));
          }
          return {fn::call("concat", pieces, {{"axis", int64_t{axis}}})};
        })
        .complex()
        .doc(R"(tensors of one shape joined along a new axis.
Shapes    n tensors [...] -> [..., n, ...]
Dtypes    all; promoted to one
Errors    shapes that differ
Grad      tensors
Source    the array API standard 2024.12)",
             R"(>>> pt.stack([pt.zeros(3), pt.ones(3)], axis=1).shape
(3, 2))");

}  // namespace
}  // namespace pt
