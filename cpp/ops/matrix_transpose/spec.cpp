#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("matrix_transpose")
        .in("x")
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          if (in[0].ndim() < 2) {
            throw ShapeError(text("[matrix_transpose] x is ", in[0].type(), "; expected at least two axes; reshape x"));
          }
          return {swap_last(in[0])};
        })
        .complex()
        .doc(R"(x with its last two axes exchanged. A view.
Shapes    x [..., m, n] -> [..., n, m]
Dtypes    all
Errors    x of less than two axes
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.matrix_transpose(pt.ones((2, 3, 4))).shape
(2, 4, 3))");

}  // namespace
}  // namespace pt
