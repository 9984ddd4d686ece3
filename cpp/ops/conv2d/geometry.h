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

// A convolution that is a plain product over pixels.
bool is_pointwise(const Sizes& s, const Conv2dParams& p);
bool is_depthwise(const Sizes& s);

Operand pixels(const Operand& image);     // [n * h * w, c]
Operand weight_matrix(const Operand& w);  // [cin, cout] of a pointwise convolution
Operand transposed(const Operand& matrix);
double bytes_of(const Operand& a);

// The groups are batch items of the product; each stride is in elements.
void set_groups(MatmulDesc& m, int64_t groups, int64_t left, int64_t right, int64_t out);

// A program over images as one over rows of pixels; false unless every operand advances evenly from pixel to pixel.
bool flatten(const FusedProgram& program, FusedProgram& flat);

// Completes a product that reads an image: by lines with zeros around them, where that pays, else by a gather.
void complete_convolution(ConvDesc& d, const PlanContext& context, bool rows_are_pixels, bool scattered,
                          bool may_split);

// Appends a product whose rows are pixels, and the flat program that follows it, if any.
void append_pixels(LaunchPlan& plan, ConvDesc& d, const PlanContext& context, bool depthwise, bool scattered,
                   bool may_split, const FusedProgram* flat);

}  // namespace pt::conv2d
