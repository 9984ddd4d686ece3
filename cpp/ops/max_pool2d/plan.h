// Two-dimensional pooling of [image, height, width, channel]. All operands are row-major: the spec copies others first.
#pragma once
#include <optional>
#include <string>

#include "core/attrs.h"
#include "ops/max_pool2d/desc.h"
#include "ops/row_consumer.h"

namespace pt {

struct PoolParams {
  int64_t window_h, window_w;
  int64_t stride_h, stride_w;
  int64_t pad_top, pad_left;               // what lies below and right follows from the output's size
  int64_t dilation_h = 1, dilation_w = 1;  // of maxima alone
  bool ceil = false;  // windows may reach over the padding, which is then as wide behind as in front
};

// Of an op with the attributes of a pooling.
PoolParams pool_params(const Attrs& attrs, const std::string& op);

// Of an image of shape x and its windows' results of shape y, but for rows and chunk.
PoolDesc describe_pool(const Shape& x, const Shape& y, const PoolParams& params);

// Padding never wins. `index` (u8) keeps which element of its window won: row of the window * window_w + column. The
// first maximum wins, and the first NaN before any number. f32, f64, f16, bf16.
LaunchPlan plan_max_pool2d(const Operand& x, const Operand& y, const Operand& index, const PoolParams& params);

// The same as what reads x by rows as they are made: nothing where windows share a line or lie between images.
std::optional<RowConsumer> consume_max_pool2d(const Operand& x, const Operand& y, const PoolParams& params);

// dx from dy and the saved index. Windows that share an input add up in row-major order.
LaunchPlan plan_max_pool2d_backward(const Operand& dy, const Operand& index, const Operand& dx,
                                    const PoolParams& params);

// Each window's sum in row-major order, divided by its size: with padding when count_padding, else what lies inside.
LaunchPlan plan_avg_pool2d(const Operand& x, const Operand& y, const PoolParams& params, bool count_padding);
LaunchPlan plan_avg_pool2d_backward(const Operand& dy, const Operand& dx, const PoolParams& params, bool count_padding);

}  // namespace pt
