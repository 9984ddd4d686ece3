// Weights of 8 or 4 bits with scales, as the ops that take them check them.
#pragma once
#include "ops/op.h"

namespace pt {

inline constexpr int64_t kPackedRows = 2;  // that share a row of bytes, with codes of 4 bits

// Throws unless the weight and the scale of a call hold the weights of so many inputs; gives the number of outputs.
int64_t check_quantized(std::string_view op, const TensorType& weight, const TensorType& scale, const Attrs& attrs,
                        int64_t inputs);

// The rows of weights that share a scale.
int64_t rows_of_scale(const Attrs& attrs, int64_t inputs);

}  // namespace pt
