#include "ops/pooling_axes.h"

namespace pt {
namespace {

const Op* registered = pooling_of_axes("avg_pool3d", "avg_pool2d", 3, true)
                           .doc(R"(the mean of each window of a volume.
Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]; kernel_size, stride and padding are one number or (slices, rows, columns), and stride is
          kernel_size when left out; with ceil_mode the last
          windows may reach over the end
Dtypes    floats; f16 and bf16 accumulate in f32, rounded after rows and columns and after slices
Errors    input without five axes; a window larger than the padded volume; padding above half the window
Grad      input
Numerics  padding counts as zeros, or not at all with count_include_pad=False; what lies beyond it never counts
Source    PyTorch, nn.functional.avg_pool3d)",
                                R"(>>> pt.nn.functional.avg_pool3d(pt.ones((1, 4, 4, 4, 3)), 2).shape
(1, 2, 2, 2, 3))");

}  // namespace
}  // namespace pt
