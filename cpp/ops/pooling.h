// What the two poolings share: their attributes, and the sizes of their results.
#pragma once
#include "ops/max_pool2d/plan.h"
#include "ops/op.h"

namespace pt {

// The attributes window, stride (the window where it is None) and padding; row-major inputs.
OpBuilder pooling(const std::string& name, const std::string& input);
PoolParams pool_params(const Attrs& attrs, const std::string& op);
Shape pooled_shape(const InferContext& context);
int64_t pooled_size(int64_t size, int64_t window, int64_t stride, int64_t padding);

// The attributes of a pooling without those of its gradient.
Attrs pool_attrs(const Attrs& attrs);

}  // namespace pt
