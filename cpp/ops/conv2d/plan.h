// Plans of two-dimensional convolutions, for the spec and the passes that need one.
#pragma once
#include <string>

#include "core/launch.h"
#include "core/tensor.h"
#include "ops/fused/machine.h"
#include "ops/row_consumer.h"

namespace pt {

struct Conv2dParams {
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  // zeros around the input
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
};

// Of an op with the attributes stride, padding, dilation and groups.
Conv2dParams conv2d_params(const Attrs& attrs, const std::string& op);

// Size of the output along one axis, at least 0.
int64_t conv_output_size(int64_t input, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation);

// All operands are row-major: images x, dx [n, h, w, cin], weights w, dw [kh, kw, cin / groups, cout],
// y, dy [n, oh, ow, cout]. Dtypes as of plan_matmul.
// y = conv(x, w). K is (kh, kw, cin); padding contributes products with zero. Operands of the launches: x, w, y.
LaunchPlan plan_conv2d(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& params,
                       const PlanContext& context);
// dx from dy and w. K is (kh, kw, cout) over the taps that meet the pixel at this stride. Operands: dy, w, dx.
LaunchPlan plan_conv2d_grad_input(const Operand& dy, const Operand& w, const Operand& dx, const Conv2dParams& params,
                                  const PlanContext& context);
// dw from x and dy. K is (n, oh, ow). Operands: x, dy, dw.
LaunchPlan plan_conv2d_grad_weight(const Operand& x, const Operand& dy, const Operand& dw, const Conv2dParams& params,
                                   const PlanContext& context);

// With an epilogue, as of plan_matmul: operand 0 of the program is the convolution, its extents are the image's shape.
// Operands of the launches: the two inputs, the program's further inputs, its outputs.
// The rows of its one result may go to a consumer, whose outputs are then those of the launches in its place.
LaunchPlan plan_conv2d(const Operand& x, const Operand& w, const TensorType& y, const Conv2dParams& params,
                       const FusedProgram& epilogue, const PlanContext& context, const RowConsumer* consumer = nullptr);
LaunchPlan plan_conv2d_grad_input(const Operand& dy, const Operand& w, const TensorType& dx, const Conv2dParams& params,
                                  const FusedProgram& epilogue, const PlanContext& context);

// Whether they can: those of a convolution of one group that is not a plain product, in whole lines of pixels.
bool conv2d_hands_rows(const FusedProgram& program, const Shape& x, const Shape& w, const TensorType& y,
                       const Conv2dParams& params, const RowConsumer& consumer);

// Whether a program can follow; `why` receives the reason if not. image is y's type, or dx's.
bool conv2d_epilogue_fits(const FusedProgram& program, const TensorType& image, std::string* why = nullptr);
// That of the gradient of the input needs a stride of 1 besides.
bool conv2d_grad_input_epilogue_fits(const FusedProgram& program, const TensorType& image, const Conv2dParams& params,
                                     std::string* why = nullptr);

}  // namespace pt
