// Plans of convolutions by tiles of 2 x 2 pixels, for those of conv2d.
#pragma once
#include "ops/conv2d/geometry.h"
#include "ops/conv2d/winograd.h"

namespace pt::conv2d {

// Which ones they are: a law of shapes and dtypes alone, since their sums round otherwise (docs/numerics.md). Of a
// result, and of the gradient of the input, the number of images does not matter: an example has the same bits in any
// batch.
bool result_by_tiles(const Sizes& s, const Conv2dParams& p, const Operand& x, const Operand& w, const Operand& y);
bool input_gradient_by_tiles(const Sizes& s, const Conv2dParams& p, const Operand& dy, const Operand& w,
                             const Operand& dx);
bool weight_gradient_by_tiles(const Sizes& s, const Conv2dParams& p, const Operand& x, const Operand& dy,
                              const Operand& dw);

// Appends the launches of a product whose rows are pixels, and of what follows it, a flat program. The weights are
// operand 1, whose strides are those of a row, K, and of a column of the product.
void append_winograd(LaunchPlan& plan, ConvDesc& conv, int64_t weight_row, int64_t weight_col,
                     const PlanContext& context, const Following& flat);
// And those of the gradient of the weights.
void append_winograd_gradient(LaunchPlan& plan, ConvDesc& conv);

}  // namespace pt::conv2d
