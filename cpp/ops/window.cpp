#include "ops/window.h"

#include "ops/autocast.h"

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

std::array<int64_t, 3> triple_of(const Attrs& attrs, std::string_view name, const std::string& op, int64_t least) {
  const Ints& values = attrs.ints(name);
  bool fits = values.size() == 1 || values.size() == 3;
  for (int64_t value : values) fits = fits && value >= least;
  if (!fits) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(values)),
                          "; expected one or three numbers of at least ", least, "; for example ", name, " = ",
                          least + 1));
  }
  return values.size() == 1 ? std::array{values[0], values[0], values[0]} : std::array{values[0], values[1], values[2]};
}

OpBuilder convolution(const std::string& name) {
  OpBuilder op = define(name);
  op.in("x", Takes::Float).in("w", Takes::Float).in_optional("b", Takes::Float);
  op.attr_ints("stride", Ints{1}).attr_ints("padding", Ints{0}).attr_ints("dilation", Ints{1}).attr("groups", 1);
  const AutocastRule rule(name, Precision::Low);
  return op;
}

}  // namespace pt
