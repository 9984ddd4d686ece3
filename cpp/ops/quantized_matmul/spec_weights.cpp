#include <algorithm>

#include "core/error.h"
#include "core/integers.h"
#include "ops/quantized_matmul/weights.h"

namespace pt {

int64_t rows_of_scale(const Attrs& attrs, int64_t inputs) {
  return attrs.has("group_size") ? attrs.integer("group_size") : std::max<int64_t>(inputs, 1);
}

int64_t check_quantized(std::string_view op, const TensorType& weight, const TensorType& scale, const Attrs& attrs,
                        int64_t inputs) {
  const auto expect = [&](bool ok, const std::string& message) {
    if (!ok) throw ShapeError(text("[", op, "] ", message));
  };
  const bool packed = weight.dtype == DType::U8;
  expect(
      packed || weight.dtype == DType::I8,
      text("weight is ", weight, "; int8, or uint8 with two codes of 4 bits in each byte, is expected; quantize it"));
  const int64_t rows = packed ? ceil_div(inputs, kPackedRows) : inputs;
  expect(weight.shape.size() == 2 && weight.shape[0] == rows,
         text("weight is ", weight, "; [", rows, ", outputs] is expected for ", inputs, " inputs",
              packed ? " of 4 bits" : "", "; quantize the weights of this layer"));
  const int64_t group = rows_of_scale(attrs, inputs);
  expect(group >= 1 && (!packed || group % kPackedRows == 0 || group >= inputs),
         text("group_size = ", group, "; ", packed ? "an even number of at least 2" : "a number of at least 1",
              " is expected; 32 is usual"));
  const int64_t groups = attrs.has("group_size") ? ceil_div(inputs, group) : 1;
  expect(scale.shape == Shape{groups, weight.shape[1]},
         text("scale is ", scale, "; [", groups, ", ", weight.shape[1],
              "] is expected, one row for each group; pass the scales that the weight was quantized with"));
  return weight.shape[1];
}

}  // namespace pt
