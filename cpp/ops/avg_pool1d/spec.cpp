#include "ops/pooling_axes.h"

namespace pt {
namespace {

const Op* registered = pooling_of_axes("avg_pool1d", "avg_pool2d", 1, true)
                           .doc(R"(the mean of each window of a sequence.
Shapes    input [n, t, c] -> [n, ot, c]; kernel_size, stride and padding are one number each, and stride is kernel_size when left out; with ceil_mode the last
          windows may reach over the end
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    input without three axes; a window larger than the padded sequence; padding above half the window
Grad      input
Numerics  padding counts as zeros, or not at all with count_include_pad=False; what lies beyond it never counts
Source    PyTorch, nn.functional.avg_pool1d)",
                                R"(>>> pt.nn.functional.avg_pool1d(pt.ones((1, 6, 3)), 2).shape
(1, 3, 3))");

}  // namespace
}  // namespace pt
