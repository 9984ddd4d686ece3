// In which dtypes an op takes its inputs.
#pragma once
#include <string_view>

#include "ops/op.h"

namespace pt {

// The spec of input i, where the first may be a list of tensors.
const InputSpec& input_spec(const Op& op, std::size_t i, std::size_t total);
// One dtype for all inputs that take part, as the op's spec says.
void promote_inputs(const Op& op, Tensors& inputs);
// A tensor, or a Python number with all its digits, in a dtype; throws naming `where` for an integer that does not fit.
Tensor in_dtype(const Tensor& x, DType dtype, std::string_view where);

}  // namespace pt
