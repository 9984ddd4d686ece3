// Convolutions and their gradients on the simulator; tolerances as of products (matmul_test.cpp).
#include "cuda/tests/check_plan.h"
#include "ops/conv2d/plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

struct Case {
  int64_t images, height, width, in, out, kernel_h, kernel_w;
  Ints stride = {1}, padding = {0}, dilation = {1};
  int64_t groups = 1;
};

CheckOptions near(int64_t k, DType type, int units) {
  CheckOptions options;
  const bool half = type == DType::F16 || type == DType::BF16;
  options.k = 2;
  options.magnitude = static_cast<double>(k) * (half ? 0x1p-12 : 1);
  options.orders = 1;
  options.capabilities = {90};  // plans are the same for all
  options.units = units;
  return options;
}

using Numbers = Array (*)(DType, const Shape&, uint32_t seed);

Array finite(DType type, const Shape& shape, uint32_t seed) { return normal(type, shape, seed); }

void check(const Case& c, DType type, int units = 3, Numbers right = finite) {
  const Attrs attrs{{"stride", c.stride}, {"padding", c.padding}, {"dilation", c.dilation}, {"groups", c.groups}};
  const Conv2dParams p = conv2d_params(attrs, "conv2d_kernel");
  const int64_t oh = conv_output_size(c.height, c.kernel_h, p.stride_h, 2 * p.pad_top, p.dilation_h);
  const int64_t ow = conv_output_size(c.width, c.kernel_w, p.stride_w, 2 * p.pad_left, p.dilation_w);
  const Array x = normal(type, {c.images, c.height, c.width, c.in}, 1);
  const Array w = right(type, {c.kernel_h, c.kernel_w, c.in / c.groups, c.out}, 2);
  const Array dy = normal(type, {c.images, oh, ow, c.out}, 3);
  const int64_t taps = c.kernel_h * c.kernel_w;
  check_op("conv2d_kernel", {x, w}, attrs, near(taps * c.in / c.groups, type, units));
  Attrs to_input = attrs, to_weight = attrs;
  to_input.set("image", Ints{c.height, c.width});
  to_weight.set("kernel_size", Ints{c.kernel_h, c.kernel_w});
  check_op("conv2d_grad_input", {dy, w}, to_input, near(taps * c.out / c.groups, type, units));
  const Array slopes = right(type, {c.images, oh, ow, c.out}, 3);
  check_op("conv2d_grad_weight", {x, slopes}, to_weight, near(c.images * oh * ow, type, units));
}

void check_shapes() {
  const Case cases[] = {
      {1, 5, 5, 3, 4, 3, 3},
      {2, 7, 6, 8, 12, 3, 3, {1}, {1}},
      {2, 9, 8, 4, 8, 3, 2, {2, 3}, {1, 0}},
      {1, 11, 10, 5, 7, 3, 3, {1}, {2}, {2}},
      {1, 12, 9, 4, 4, 3, 3, {2}, {2}, {3, 2}},  // stride and dilation with and without a common factor
      {2, 6, 6, 8, 12, 1, 1},                    // a plain product
      {2, 6, 6, 8, 12, 1, 1, {2}},               // pixels that no output meets
      {2, 6, 5, 12, 8, 3, 3, {1}, {1}, {1}, 2},  // groups of whole vectors,
      {1, 6, 5, 6, 9, 3, 3, {2}, {1}, {1}, 3},   // and of two channels
      {2, 7, 6, 5, 5, 3, 3, {1}, {1}, {1}, 5},   // one channel per group
      {2, 7, 6, 40, 40, 3, 3, {2}, {1}, {1}, 40},
      {1, 6, 6, 4, 8, 3, 3, {1}, {1}, {1}, 4},  // with two outputs each
      {1, 4, 4, 2, 3, 4, 4},                    // one window
      {3, 5, 5, 3, 33, 5, 5, {1}, {2}},
  };
  for (const Case& c : cases) {
    for (DType type : {DType::F32, DType::F64, DType::BF16, DType::F16}) check(c, type);
  }
}

// Padding is zeros, which make NaN of an infinite weight.
void check_extremes() {
  const Case cases[] = {
      {1, 6, 6, 8, 8, 3, 3, {1}, {1}},
      {1, 6, 6, 8, 8, 3, 3, {1}, {1}, {1}, 8},
      {2, 7, 6, 12, 8, 3, 3, {2}, {1}, {1}, 2},
  };
  for (const Case& c : cases) {
    for (DType type : {DType::F32, DType::BF16}) check(c, type, 3, extremes);
  }
}

// Many pixels: more than one tile of each shape, and the gradient of the weights in parts.
void check_sizes() {
  for (int units : {1, 8, 100}) {
    check({4, 17, 16, 8, 36, 3, 3, {1}, {1}}, DType::F32, units);
    check({2, 17, 16, 8, 40, 3, 3, {2}, {1}}, DType::BF16, units);
    check({4, 17, 16, 8, 36, 3, 3, {2}, {1}}, DType::F32, units);
    check({4, 17, 16, 36, 36, 3, 3, {1}, {1}, {1}, 36}, DType::F32, units);
  }
}

void check_empty() {
  check({0, 5, 5, 3, 4, 3, 3}, DType::F32);
  check({0, 5, 5, 3, 3, 3, 3, {1}, {0}, {1}, 3}, DType::F32);
}

}  // namespace

int main() {
  check_shapes();
  check_extremes();
  check_sizes();
  check_empty();
  return pt::check::finish();
}
