#include "ops/window.h"

#include "ops/autocast.h"

namespace pt {

std::pair<int64_t, int64_t> pair_of(const Attrs& attrs, std::string_view name, const std::string& op) {
  const Ints& values = attrs.ints(name);
  if (values.size() != 1 && values.size() != 2) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(values)),
                          "; expected one or two numbers; for example ", name, " = 2"));
  }
  return {values.front(), values.back()};
}

std::array<int64_t, 3> triple_of(const Attrs& attrs, std::string_view name, const std::string& op) {
  const Ints& values = attrs.ints(name);
  if (values.size() != 1 && values.size() != 3) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(values)),
                          "; expected one or three numbers; for example ", name, " = 2"));
  }
  return values.size() == 1 ? std::array{values[0], values[0], values[0]} : std::array{values[0], values[1], values[2]};
}

OpBuilder convolution(const std::string& name) {
  OpBuilder op = define(name);
  op.in("input", Takes::Float).in("weight", Takes::Float).in_optional("bias", Takes::Float);
  op.attr_counts("stride", 1, Ints{1})
      .attr_counts("padding", 0, Ints{0})
      .attr_counts("dilation", 1, Ints{1})
      .attr_count("groups", 1, 1);
  const AutocastRule rule(name, Precision::Low);
  return op;
}

}  // namespace pt
