// What the plans of the three products of a convolution share.
#pragma once
#include "core/error.h"
#include "ops/conv2d/desc.h"
#include "ops/conv2d/plan.h"
#include "ops/matmul/product.h"

namespace pt::conv2d {

struct Sizes {
  int64_t images, height, width, in_channels;
  int64_t out_height, out_width, out_channels;
  int64_t kernel_h, kernel_w;
  int64_t group_in, group_out;
};

// The sizes of a convolution y of x and w, or of a gradient in the place of one of them; throws what does not fit.
Sizes check(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p);

// The taps along one axis that meet the pixels of one residue class of the stride.
struct TapClass {
  int64_t pixels;       // of the class
  int64_t first, step;  // kernel indices first, first + step, ...
  int64_t taps;
  int64_t offset, tap;  // where the class's pixel 0 reads dy for the first tap, and the change from tap to tap
};
TapClass tap_class(int64_t residue, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation);

// A convolution that is a plain product over pixels.
bool is_pointwise(const Sizes& s, const Conv2dParams& p);
bool is_depthwise(const Sizes& s);

Operand pixels(const Operand& image);     // [n * h * w, c]
Operand weight_matrix(const Operand& w);  // [cin, cout] of a pointwise convolution
Operand transposed(const Operand& matrix);
double bytes_of(const Operand& a);

// The product `out` of a gathered image `left` and `right`, whose rows are contiguous. Groups are batch items, so many
// elements of each operand apart.
struct GroupStrides {
  int64_t left, right, out;
};
MatmulProblem product_of(const Operand& left, const Operand& right, const Operand& out, int64_t groups,
                         GroupStrides apart);

// A program over images as one over rows of pixels; false unless every operand advances evenly from pixel to pixel.
bool flatten(const FusedProgram& program, FusedProgram& flat);

// As schedule_product: an image is read by lines with zeros around them, where that pays, else by a gather.
MatmulSchedule schedule_convolution(const ConvDesc& d, const PlanContext& context, bool rows_are_pixels);

// Lets a flat program follow a product whose rows are pixels, and a consumer that: notes where their operands lie, and
// gives the program as it runs.
FusedProgram follow_pixels(MatmulProblem& p, const Following& flat, const PlanContext& context);

// Plans and appends the product of a desc whose rows are pixels, and what follows it: a flat program.
void append_pixels(LaunchPlan& plan, ConvDesc& d, const PlanContext& context, bool depthwise, const Following& flat);

}  // namespace pt::conv2d
