#include "ops/window.h"

namespace pt {

std::pair<int64_t, int64_t> pair_of(const Attrs& attrs, std::string_view name, const std::string& op, int64_t least) {
  const Ints& values = attrs.ints(name);
  bool fits = values.size() == 1 || values.size() == 2;
  for (int64_t value : values) fits = fits && value >= least;
  if (!fits) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(values)),
                          "; expected one or two numbers of at least ", least, "; for example ", name, " = ",
                          least + 1));
  }
  return {values.front(), values.back()};
}

}  // namespace pt
