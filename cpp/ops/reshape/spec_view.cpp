#include "ops/reshape/view.h"

namespace pt {

// The new axes in terms of the old ones: groups of old axes that are one stride are cut anew.
std::optional<View> reshaped(const Operand& in, const Shape& to) {
  if (count(in.shape) == 0) return View{to, row_major(to), 0};
  View result{to, row_major(to), 0};
  int i = 0, j = 0;
  while (i < in.shape.size() || j < to.size()) {
    // Grow both sides until they have the same number of elements.
    int64_t old_size = 1, new_size = 1;
    const int old_begin = i, new_begin = j;
    if (i < in.shape.size()) old_size = in.shape[i++];
    if (j < to.size()) new_size = to[j++];
    while (old_size != new_size) {
      if (old_size < new_size) {
        old_size *= in.shape[i++];
      } else {
        new_size *= to[j++];
      }
    }
    int64_t stride = 1, next_stride = 0;
    bool inner = true;
    for (int k = i - 1; k >= old_begin; --k) {
      if (in.shape[k] == 1) continue;
      if (!inner && in.strides[k] != next_stride) return std::nullopt;
      if (inner) stride = in.strides[k];
      inner = false;
      next_stride = in.strides[k] * in.shape[k];
    }
    for (int k = j - 1; k >= new_begin; --k) {
      result.strides[k] = stride;
      stride *= to[k];
    }
  }
  return result;
}

}  // namespace pt
