#include "core/space_plan.h"

namespace pt {

Space make_space(const Shape& shape, const Strides& a, std::size_t a_bytes, const Strides& b, std::size_t b_bytes,
                 int begin, int end) {
  Space space{};
  space.count = 1;
  int last = -1;
  for (int i = begin; i < end; ++i) {
    space.count *= shape[i];
    if (shape[i] == 1) continue;
    const int64_t stride_a = a[i] * static_cast<int64_t>(a_bytes), stride_b = b[i] * static_cast<int64_t>(b_bytes);
    const bool merges = last >= 0 && space.a[last] == stride_a * shape[i] && space.b[last] == stride_b * shape[i];
    const int64_t extent = merges ? space.extent[last] * shape[i] : shape[i];
    if (!merges) ++last;
    space.extent[last] = extent;
    space.a[last] = stride_a;
    space.b[last] = stride_b;
  }
  if (last < 0) space.extent[++last] = 1;
  space.axes = last + 1;
  return space;
}

Space make_space(const Shape& shape, const Strides& a, std::size_t a_bytes, int begin, int end) {
  return make_space(shape, a, a_bytes, a, a_bytes, begin, end);
}

}  // namespace pt
