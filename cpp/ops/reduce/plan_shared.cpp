#include <algorithm>

#include "core/error.h"
#include "ops/axes.h"

namespace pt {

Ints reduced_axes(const Attrs& attrs, int ndim, const std::string& op) {
  Ints axes;
  if (!attrs.has("axis")) {
    for (int i = 0; i < ndim; ++i) axes.push_back(i);
    return axes;
  }
  for (int64_t axis : attrs.ints("axis")) axes.push_back(normal_axis(axis, ndim, op));
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    throw ShapeError(text("[", op, "] axis = ", to_string(Attr(attrs.ints("axis"))),
                          " names an axis twice; expected each axis once; remove the duplicate"));
  }
  return axes;
}

}  // namespace pt
