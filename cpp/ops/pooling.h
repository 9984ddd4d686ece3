// What the two poolings share: their attributes, and the sizes of their results.
#pragma once
#include <utility>

#include "ops/max_pool2d/plan.h"
#include "ops/op.h"

namespace pt {

// The attributes window, stride (the window where it is None), padding, and dilation and ceil_mode of maxima or
// count_padding and ceil_mode of averages; row-major inputs.
enum class Pooled { Maximum, Average };
OpBuilder pooling(const std::string& name, const std::string& input, Pooled kind);
Shape pooled_shape(const InferContext& context);
// Rows and columns of the result; 0 where there is none.
std::pair<int64_t, int64_t> pooled_sizes(int64_t rows, int64_t columns, const PoolParams& params);

// The attributes of a pooling without those of its gradient.
Attrs pool_attrs(const Attrs& attrs);

}  // namespace pt
