// A convolution that hands the rows of its epilogue's result to a pooling: the same bits as with a launch of its own.
#include <cstring>
#include <limits>
#include <random>

#include "core/error.h"
#include "ops/conv2d/plan.h"
#include "ops/max_pool2d/plan.h"
#include "run_hostile.h"
#include "run_plan.h"

namespace pt {
namespace {

std::mt19937_64 random_bits(7);

struct Case {
  int64_t images, height, width, in_channels, kernel, out_channels;
  Conv2dParams conv;
  PoolParams pool;
  int64_t pooled_h, pooled_w;
};

Operand row_major_operand(DType dtype, const Shape& shape) { return {dtype, shape, row_major(shape)}; }

template <class T>
std::vector<T> drawn(const Shape& shape) {
  std::uniform_int_distribution<int> few(-4, 4);  // windows with equal maxima
  std::vector<T> values(count(shape));
  for (T& value : values) value = static_cast<T>(few(random_bits)) / 4;
  return values;
}

template <class T>
char* bytes(std::vector<T>& values) {
  return reinterpret_cast<char*>(values.data());
}

// relu(conv + bias), which is what stands before a pooling.
FusedProgram biased_relu(DType dtype, const Shape& shape) {
  FusedProgram program;
  program.extents = shape;
  program.inputs = 2;
  program.operands = {{dtype, {}}, {dtype, {0, 0, 0, 1}}, {dtype, row_major(shape)}};
  const auto step = [&](StepKind kind, const char* op, std::array<int, 4> args, int operand) {
    program.steps.push_back({.kind = kind, .op = op, .dtype = dtype, .args = args, .operand = operand});
  };
  step(StepKind::Load, "", {-1, -1, -1, -1}, 0);
  step(StepKind::Load, "", {-1, -1, -1, -1}, 1);
  step(StepKind::Math, "add", {0, 1, -1, -1}, -1);
  step(StepKind::Math, "relu", {2, -1, -1, -1}, -1);
  step(StepKind::Store, "", {3, -1, -1, -1}, 2);
  return program;
}

template <class T>
void check_case(DType dtype, const Case& t, const std::vector<std::string_view>& isas) {
  const Shape x_shape = {t.images, t.height, t.width, t.in_channels};
  const Shape w_shape = {t.kernel, t.kernel, t.in_channels, t.out_channels};
  const Conv2dParams& p = t.conv;
  const Shape y_shape = {
      t.images, conv_output_size(t.height, t.kernel, p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h),
      conv_output_size(t.width, t.kernel, p.stride_w, p.pad_left + p.pad_right, p.dilation_w), t.out_channels};
  const Shape pooled_shape = {t.images, t.pooled_h, t.pooled_w, t.out_channels};
  const FusedProgram program = biased_relu(dtype, y_shape);
  const Operand x = row_major_operand(dtype, x_shape), w = row_major_operand(dtype, w_shape);
  const Operand pooled = row_major_operand(dtype, pooled_shape);
  auto xs = drawn<T>(x_shape), ws = drawn<T>(w_shape), bias = drawn<T>({t.out_channels});
  if (!xs.empty()) xs[xs.size() / 2] = std::numeric_limits<T>::quiet_NaN();
  set_isa("generic");
  std::vector<T> y(count(y_shape)), want(count(pooled_shape));
  std::vector<uint8_t> want_index(count(pooled_shape));
  check::run_hostile(plan_conv2d(x, w, {dtype, y_shape}, p, program, check::varied_context()),
                     {bytes(xs), bytes(ws), bytes(bias), bytes(y)});
  check::run_hostile(plan_max_pool2d(row_major_operand(dtype, y_shape), row_major_operand(dtype, pooled_shape),
                                     row_major_operand(DType::U8, pooled_shape), t.pool),
                     {bytes(y), bytes(want), bytes(want_index)});
  for (std::string_view isa : isas) {
    set_isa(isa);
    std::vector<T> got(want.size() + 16, T(99));
    std::vector<uint8_t> index(want.size() + 16, 0xAA);
    const std::optional<RowConsumer> consumer = consume_max_pool2d(row_major_operand(dtype, y_shape), pooled, t.pool);
    CHECK(consumer && conv2d_hands_rows(program, x_shape, w_shape, {dtype, y_shape}, p, *consumer));
    check::run_hostile(plan_conv2d(x, w, {dtype, y_shape}, p, program, check::varied_context(), &*consumer),
                       {bytes(xs), bytes(ws), bytes(bias), bytes(got), bytes(index)});
    const std::string what = text(isa, ": pooled ", y_shape, " to ", pooled_shape);
    check::report(std::memcmp(got.data(), want.data(), want.size() * sizeof(T)) == 0, __FILE__, __LINE__, what);
    check::report(std::memcmp(index.data(), want_index.data(), want.size()) == 0, __FILE__, __LINE__, what);
    for (std::size_t i = want.size(); i < got.size(); ++i) CHECK(got[i] == T(99) && index[i] == 0xAA);
  }
}

void check_shapes(const std::vector<std::string_view>& isas) {
  const PoolParams two = {2, 2, 2, 2, 0, 0};
  const Case cases[] = {
      {3, 28, 28, 1, 5, 33, {1, 1, 2, 2, 2, 2}, two, 14, 14},                      // an image is several chunks
      {5, 6, 6, 8, 3, 26, {1, 1, 1, 1, 1, 1}, {3, 3, 3, 3, 0, 0}, 2, 2},           // and here a chunk several images
      {2, 8, 9, 70, 3, 70, {1, 1, 1, 1, 1, 1}, {2, 3, 2, 2, 0, 1}, 4, 5},          // columns that overlap, and padding
      {2, 8, 7, 4, 3, 20, {1, 1, 1, 1, 1, 1}, {1, 2, 4, 3, 0, 0}, 2, 2},           // lines that no window holds
      {1, 4, 4, 480, 3, 17, {1, 1, 1, 1, 1, 1}, two, 2, 2},                        // groups of K are chunks
      {2, 12, 6, 5, 4, 17, {3, 2, 1, 1, 1, 1}, two, 2, 1},                         // short lines: by a gather
      {3, 10, 13, 3, 3, 33, {1, 1, 4, 4, 4, 4, 4, 4}, {1, 3, 1, 3, 0, 0}, 10, 4},  // so of windows of one line
  };
  for (const Case& t : cases) {
    check_case<float>(DType::F32, t, isas);
    check_case<double>(DType::F64, t, isas);
  }
}

// What must stay a launch of its own.
void check_others() {
  const Shape x = {2, 8, 8, 4}, w = {3, 3, 4, 16}, y = {2, 8, 8, 16};
  const Conv2dParams same = {1, 1, 1, 1, 1, 1};
  const auto fits = [&](const PoolParams& pool, const Conv2dParams& conv = {1, 1, 1, 1, 1, 1}, Shape weights = {},
                        Shape image = {}) {
    if (image.empty()) image = y;
    const Shape pooled = {2,
                          (image[1] + 2 * pool.pad_top - pool.dilation_h * (pool.window_h - 1) - 1) / pool.stride_h + 1,
                          (image[2] - pool.window_w) / pool.stride_w + 1, image[3]};
    const std::optional<RowConsumer> consumer =
        consume_max_pool2d(row_major_operand(DType::F32, image), row_major_operand(DType::F32, pooled), pool);
    return consumer && conv2d_hands_rows(biased_relu(DType::F32, image), x, weights.empty() ? w : weights,
                                         {DType::F32, image}, conv, *consumer);
  };
  const PoolParams two = {2, 2, 2, 2, 0, 0};
  CHECK(fits(two));
  CHECK(!fits({3, 2, 2, 2, 0, 0}));  // windows that share a line
  CHECK(!fits({2, 2, 2, 2, 1, 0}));
  CHECK(!fits({3, 3, 3, 3, 0, 0}));  // 8 lines are no rows of 3
  CHECK(!fits({2, 2, 2, 2, 0, 0, 2, 1}));
  CHECK(!fits(two, {1, 1, 1, 1, 1, 1, 1, 1, 2}, {3, 3, 2, 16}));
  CHECK(!fits(two, {}, {1, 1, 4, 16}));
  CHECK(!fits(two, same, {3, 3, 4, 15}, {2, 8, 8, 15}));    // pixels of less than a vector
  CHECK(fits(two, same, {3, 3, 4, 512}, {2, 8, 8, 512}));   // and those of
  CHECK(!fits(two, same, {3, 3, 4, 513}, {2, 8, 8, 513}));  // one region
  const Shape pooled = {2, 4, 4, 16};
  std::optional<RowConsumer> consumer =
      consume_max_pool2d(row_major_operand(DType::F32, y), row_major_operand(DType::F32, pooled), two);
  FusedProgram two_results = biased_relu(DType::F32, y);
  two_results.operands.push_back(two_results.operands.back());
  CHECK(!conv2d_hands_rows(two_results, x, w, {DType::F32, y}, same, *consumer));
  const auto hands = [&](int64_t rows) {
    consumer->rows = rows;
    return conv2d_hands_rows(biased_relu(DType::F32, y), x, w, {DType::F32, y}, same, *consumer);
  };
  CHECK(hands(1) && hands(4) && hands(8) && hands(32) && hands(128));
  CHECK(!hands(3) && !hands(12) && !hands(24));
  CHECK_THROWS(
      plan_conv2d(row_major_operand(DType::F32, x), row_major_operand(DType::F32, w), {DType::F32, y}, same,
                  biased_relu(DType::F32, y), check::varied_context(), &*consumer),
      Error,
      "[conv2d] a consumer of 24 rows of [2, 8, 8, 16]; expected one that conv2d_hands_rows accepts; run it as a "
      "launch of its own");
}

}  // namespace
}  // namespace pt

int main() {
  const std::vector<std::string_view> isas = pt::check::usable_isas();
  pt::check_others();
  pt::check_shapes(isas);
  return pt::check::finish();
}
