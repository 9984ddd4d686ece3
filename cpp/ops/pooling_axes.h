// Pooling of sequences and volumes through that of images.
#pragma once
#include "ops/op.h"

namespace pt {

// Begins a spec: x, window, stride (the window when left out) and padding, of sequences (one axis) or volumes (three);
// then dilation and ceil_mode, or for `averages` count_padding and ceil_mode. The definition pools with `image_op`.
OpBuilder pooling_of_axes(const std::string& name, const std::string& image_op, int axes, bool averages);

}  // namespace pt
