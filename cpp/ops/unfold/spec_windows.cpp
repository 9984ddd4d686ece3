#include <tuple>

#include "ops/conv2d/plan.h"
#include "ops/unfold/windows.h"
#include "ops/window.h"

namespace pt {

Windows windows_of(const Attrs& attrs, int64_t h, int64_t w, const std::string& op) {
  Windows d{};
  std::tie(d.kernel_h, d.kernel_w) = pair_of(attrs, "kernel_size", op);
  std::tie(d.stride_h, d.stride_w) = pair_of(attrs, "stride", op);
  std::tie(d.pad_h, d.pad_w) = pair_of(attrs, "padding", op);
  std::tie(d.dilation_h, d.dilation_w) = pair_of(attrs, "dilation", op);
  d.rows = conv_output_size(h, d.kernel_h, d.stride_h, 2 * d.pad_h, d.dilation_h);
  d.columns = conv_output_size(w, d.kernel_w, d.stride_w, 2 * d.pad_w, d.dilation_w);
  if (d.rows < 1 || d.columns < 1) {
    throw ShapeError(text("[", op, "] an image of ", h, " by ", w,
                          ", kernel_size = ", to_string(Attr(attrs.ints("kernel_size"))),
                          "; expected a window no larger than the padded image; choose a smaller one"));
  }
  return d;
}

}  // namespace pt
