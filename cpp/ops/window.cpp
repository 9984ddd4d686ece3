#include "ops/window.h"

#include "ops/autocast.h"

namespace pt {

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
