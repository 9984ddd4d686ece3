// The windows of an image, for unfold and fold: sizes, steps and padding, as conv2d counts them.
#pragma once
#include "ops/functional.h"

namespace pt {

struct Windows {
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  int64_t rows, columns;  // of windows
};

// Of an image of h rows and w columns; throws naming the op where there is none.
Windows windows_of(const Attrs& attrs, int64_t h, int64_t w, const std::string& op);

}  // namespace pt
