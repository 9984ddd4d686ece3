#include "core/error.h"
#include "ops/scan/axis.h"

namespace pt {

int running_axis(const Attrs& attrs, const Shape& shape, const std::string& op) {
  if (attrs.has("axis")) return normal_axis(attrs.integer("axis"), shape.size(), op);
  if (shape.size() == 1) return 0;
  throw ShapeError(text("[", op, "] axis = None of a tensor with ", shape.size(),
                        " dimensions; expected an axis unless there is one; pass axis=..."));
}

}  // namespace pt
