// What generators draw beyond what one op gives, as C++ functions.
#pragma once
#include "ops/op.h"

namespace pt {

inline constexpr std::string_view kDrawsShares = "random_uniform";  // the op that draws numbers in [0, 1)

// The integers from 0 to below `range` that shares of float64 stand for: int64.
Tensor integers_of_shares(const Tensor& shares, int64_t range);

}  // namespace pt
