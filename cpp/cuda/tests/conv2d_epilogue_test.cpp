// Convolutions and their gradients that a program follows, on the simulator.
#include "cuda/tests/followed_case.h"
#include "ops/conv2d/plan.h"

namespace {

using namespace pt;
using namespace pt::check;

struct Case {
  int64_t images, height, width, in, out, kernel_h, kernel_w;
  Ints stride = {1}, padding = {0};
  int64_t groups = 1;
  int units = 3;
};

// A bias and an activation, of which both results are kept; and what an image of its size is added to.
std::vector<Program> programs(const Shape& shape, DType type) {
  Program layer(shape);
  const int sum = layer.math("add", layer.load(0), layer.other(normal(type, {shape.back()}, 4)));
  const int kept = type == DType::F32 ? sum : layer.rounded(type, sum);
  const int activated = layer.math("relu", kept);
  const int scaled = layer.math("multiply", activated, layer.other(normal(DType::F32, shape, 5)));
  layer.store(kept, type);
  layer.store(scaled, DType::F32);
  Program residual(shape);
  residual.store(residual.math("relu_grad", residual.other(normal(type, shape, 6)),
                               residual.math("add", residual.load(0), residual.other(normal(type, shape, 7)))),
                 type);
  Program widened(shape);
  widened.store(widened.load(0), DType::F32);
  return {layer, residual, widened};
}

void check(const Case& c, DType type) {
  const Attrs attrs{{"stride", c.stride}, {"padding", c.padding}, {"dilation", Ints{1}}, {"groups", c.groups}};
  const Conv2dParams p = conv2d_params(attrs, "conv2d_kernel");
  const int64_t oh = conv_output_size(c.height, c.kernel_h, p.stride_h, 2 * p.pad_top, 1);
  const int64_t ow = conv_output_size(c.width, c.kernel_w, p.stride_w, 2 * p.pad_left, 1);
  const Array x = normal(type, {c.images, c.height, c.width, c.in}, 1);
  const Array w = normal(type, {c.kernel_h, c.kernel_w, c.in / c.groups, c.out}, 2);
  const Array dy = normal(type, {c.images, oh, ow, c.out}, 3);
  Attrs to_input = attrs, to_weight = attrs;
  to_input.set("image", Ints{c.height, c.width});
  to_weight.set("kernel_size", Ints{c.kernel_h, c.kernel_w});
  const struct {
    const char* op;
    const Attrs& attrs;
    std::vector<Array> in;
    const Array& like;
  } calls[] = {{"conv2d_kernel", attrs, {x, w}, dy},
               {"conv2d_grad_input", to_input, {dy, w}, x},
               {"conv2d_grad_weight", to_weight, {x, dy}, w}};
  for (const auto& call : calls) {
    const Shape& shape = call.like.operand().shape;
    int number = -1;
    for (const Program& program : programs(shape, type)) {
      ++number;
      if (!is_sampled(4)) continue;
      const std::string what = text(call.op, " of ", info(type).brief, " ", x.operand().shape, ", program ", number);
      const std::vector<std::string> kernels =
          check_followed(what, call.op, call.attrs, call.in, result_of(type, shape), program, c.units);
      const bool classes =
          call.op == std::string("conv2d_grad_input") && p.stride_h * p.stride_w > 1 && p.stride_h * p.stride_w <= 4;
      const char* const part = classes ? "conv2d_classes_" : "_then_";
      CHECK(!kernels.empty() && kernels.back().find(part) != std::string::npos);
    }
  }
}

void check_shapes() {
  const Case cases[] = {
      {1, 5, 5, 3, 4, 3, 3},
      {2, 7, 6, 8, 12, 3, 3, {1}, {1}},
      {2, 9, 8, 4, 8, 3, 2, {2, 3}, {1, 0}},  // the gradient of the input is six products
      {2, 6, 6, 8, 12, 1, 1},                 // a plain product
      {2, 6, 6, 8, 12, 1, 1, {2}},            // pixels that no output meets
      {2, 7, 9, 8, 12, 3, 3, {2}, {1}, 2},
      {2, 6, 5, 12, 8, 3, 3, {1}, {1}, 2},
      {1, 6, 5, 40, 72, 3, 3, {1}, {1}, 1, 132},  // in parts
      {2, 12, 12, 72, 136, 3, 3, {1}, {1}, 1, 1},
  };
  for (const Case& c : cases) {
    for (DType type : {DType::F32, DType::BF16, DType::F16}) check(c, type);
  }
}

// What is left to a launch of its own, with the reason.
void check_refused() {
  const auto refused = [&](int64_t groups, const Array& other, const std::string& want) {
    const Array x = normal(DType::F32, {2, 5, 6, 4}, 1), w = normal(DType::F32, {3, 3, 4 / groups, 4}, 2);
    const Shape shape{2, 5, 6, 4};
    Program program(shape);
    program.store(program.math("add", program.load(0), program.other(other)), DType::F32);
    const std::vector<Operand> in = {x.operand(), w.operand()};
    const Attrs attrs{{"stride", Ints{1}}, {"padding", Ints{1}}, {"dilation", Ints{1}}, {"groups", groups}};
    std::string why;
    CHECK(!cuda::cuda_epilogue("conv2d_kernel")->takes({in, result_of(DType::F32, shape), program.made, attrs}, &why));
    CHECK_EQ(why, want);
  };
  refused(4, normal(DType::F32, {4}, 3), "each channel is by itself; a convolution over channels is expected");
  refused(1, normal(DType::F32, {5, 1, 4}, 3),
          "of the calls behind it: an operand does not advance evenly over the first three axes");
  refused(1, normal(DType::F64, {4}, 3), "the calls behind it have operands that are not floats of up to 32 bits");
}

}  // namespace

int main() {
  check_shapes();
  check_refused();
  return finish();
}
