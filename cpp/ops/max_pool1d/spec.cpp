#include "ops/pooling_axes.h"

namespace pt {
namespace {

const Op* registered = pooling_of_axes("max_pool1d", "max_pool2d", 1, false)
                           .doc(R"(the maximum of each window of a sequence; NaN where the window holds one.
Shapes    input [n, t, c] -> [n, ot, c]; kernel_size, stride, padding and dilation are one number each, and stride is kernel_size when left out; with ceil_mode the last
          windows may reach over the end
Dtypes    floats
Errors    input without three axes; a window larger than the padded sequence; padding above half the window; a
          window without an element
Grad      input; to the first of equal elements
Numerics  padding never wins
Source    PyTorch, nn.functional.max_pool1d)",
                                R"(>>> pt.nn.functional.max_pool1d(pt.ones((1, 6, 3)), 2).shape
(1, 3, 3))");

}  // namespace
}  // namespace pt
