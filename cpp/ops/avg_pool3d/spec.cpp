#include "ops/pooling_axes.h"

namespace pt {
namespace {

const Op* registered = pooling_of_axes("avg_pool3d", "avg_pool2d", 3, true)
                           .doc(R"(the mean of each window of a volume.
Shapes    x [n, d, h, w, c] -> [n, od, oh, ow, c]; window, stride and padding are one number or (slices, rows, columns), and stride is
          the window when left out; with ceil_mode the last
          windows may reach over the end
Dtypes    floats; f16 and bf16 accumulate in f32, rounded after rows and columns and after slices
Errors    x without five axes; a window larger than the padded volume; padding above half the window
Grad      x
Numerics  padding counts as zeros, or not at all with count_padding=False; what lies beyond it never counts
Source    PyTorch, nn.functional.avg_pool3d)",
                                R"(>>> pt.avg_pool3d(pt.ones((1, 4, 4, 4, 3)), 2).shape
(1, 2, 2, 2, 3))");

}  // namespace
}  // namespace pt
