// What the plans of both poolings tell their kernels. All tensors are row-major, [image, height, width, channel].
#pragma once
#include <stdint.h>

namespace pt {

struct PoolDesc {
  int64_t images, channels;
  int64_t height, width;  // of the input
  int64_t out_height, out_width;
  int64_t window_h, window_w, stride_h, stride_w, pad_top, pad_left;
  int64_t dilation_h, dilation_w;  // of a maximum: every so many elements
  bool count_padding;              // an average divides by the whole window, else by its part inside of the input
  bool ceil;                       // and of a window that reaches over the padding, by its part before that
  int64_t rows, chunk;             // rows (image, height) of what is written; chunk of them at a time
};

}  // namespace pt
