#include "ops/pooling_axes.h"

namespace pt {
namespace {

const Op* registered = pooling_of_axes("max_pool3d", "max_pool2d", 3, false)
                           .doc(R"(the maximum of each window of a volume; NaN where the window holds one.
Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]; kernel_size, stride, padding and dilation are one number or (slices, rows, columns), and stride is
          kernel_size when left out; with ceil_mode the last
          windows may reach over the end
Dtypes    floats
Errors    input without five axes; a window larger than the padded volume; padding above half the window; a
          window without an element
Grad      input; to the first of equal elements
Numerics  padding never wins
Source    PyTorch, nn.functional.max_pool3d)",
                                R"(>>> pt.nn.functional.max_pool3d(pt.ones((1, 4, 4, 4, 3)), 2).shape
(1, 2, 2, 2, 3))");

}  // namespace
}  // namespace pt
