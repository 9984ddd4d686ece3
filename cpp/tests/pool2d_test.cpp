// Both poolings against one element at a time, forward and backward, on every instruction set.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/error.h"
#include "ops/avg_pool2d/plan.h"
#include "ops/max_pool2d/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;

struct Case {
  int64_t images, height, width, channels;
  PoolParams p;
  int64_t pad_bottom, pad_right;
  int64_t out_h() const { return (height + p.pad_top + pad_bottom - p.window_h) / p.stride_h + 1; }
  int64_t out_w() const { return (width + p.pad_left + pad_right - p.window_w) / p.stride_w + 1; }
  Shape in() const { return {images, height, width, channels}; }
  Shape out() const { return {images, out_h(), out_w(), channels}; }
};

Operand operand(DType dtype, const Shape& shape) { return {dtype, shape, row_major(shape)}; }

// Calls visit(input element, output element, position in the window) for each pair, windows in row-major order.
template <class Visit>
void for_windows(const Case& k, Visit visit) {
  for (int64_t n = 0; n < k.images; ++n)
    for (int64_t oh = 0; oh < k.out_h(); ++oh)
      for (int64_t ow = 0; ow < k.out_w(); ++ow)
        for (int64_t i = 0; i < k.p.window_h; ++i)
          for (int64_t j = 0; j < k.p.window_w; ++j) {
            const int64_t h = oh * k.p.stride_h - k.p.pad_top + i, w = ow * k.p.stride_w - k.p.pad_left + j;
            if (h < 0 || w < 0 || h >= k.height || w >= k.width) continue;
            for (int64_t c = 0; c < k.channels; ++c)
              visit(((n * k.height + h) * k.width + w) * k.channels + c,
                    ((n * k.out_h() + oh) * k.out_w() + ow) * k.channels + c, i * k.p.window_w + j);
          }
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
std::vector<T> random_values(int64_t n, std::mt19937& random, bool with_nan) {
  std::vector<T> values(n);
  // Few different values, so that windows have equal maxima.
  for (T& v : values) v = static_cast<T>(static_cast<int>(random() % 9) - 4) / 2;
  if (with_nan) {
    for (T& v : values) {
      if (random() % 10 == 0) v = std::numeric_limits<T>::quiet_NaN();
      if (random() % 20 == 0) v = -std::numeric_limits<T>::infinity();
    }
  }
  return values;
}

template <class T>
void check_max(DType dtype, const Case& k, std::mt19937& random, bool with_nan) {
  const int64_t n_in = count(k.in()), n_out = count(k.out());
  const auto x = random_values<T>(n_in, random, with_nan);
  const auto dy = random_values<T>(n_out, random, false);
  std::vector<T> want_y(n_out), want_dx(n_in, T(0));
  std::vector<uint8_t> want_index(n_out);
  std::vector<bool> begun(n_out);
  for_windows(k, [&](int64_t in, int64_t out, int64_t position) {
    const bool wins = !begun[out] || x[in] > want_y[out] || (std::isnan(x[in]) && !std::isnan(want_y[out]));
    if (wins) want_y[out] = x[in], want_index[out] = static_cast<uint8_t>(position);
    begun[out] = true;
  });
  for_windows(k, [&](int64_t in, int64_t out, int64_t position) {
    if (want_index[out] == position) want_dx[in] += dy[out];
  });
  std::vector<T> y(n_out, T(99)), dx(n_in, T(99));
  std::vector<uint8_t> index(n_out, 0xAA);
  check::run_plan(plan_max_pool2d(operand(dtype, k.in()), operand(dtype, k.out()), operand(DType::U8, k.out()), k.p),
                  {const_cast<T*>(x.data()), y.data(), index.data()});
  check::run_plan(
      plan_max_pool2d_backward(operand(dtype, k.out()), operand(DType::U8, k.out()), operand(dtype, k.in()), k.p),
      {const_cast<T*>(dy.data()), index.data(), dx.data()});
  check::report(same_bits(y, want_y), __FILE__, __LINE__, text("max of ", k.in(), " to ", k.out()));
  check::report(same_bits(index, want_index), __FILE__, __LINE__, text("index of ", k.in(), " to ", k.out()));
  for (int64_t i = 0; i < n_in; ++i) CHECK_EQ(dx[i], want_dx[i]);
}

template <class T>
void check_avg(DType dtype, const Case& k, std::mt19937& random, bool count_padding) {
  const int64_t n_in = count(k.in()), n_out = count(k.out());
  auto x = random_values<T>(n_in, random, false), dy = random_values<T>(n_out, random, false);
  std::vector<T> want_y(n_out, T(0)), size(n_out, T(0)), want_dx(n_in, T(0)), y(n_out, T(99)), dx(n_in, T(99));
  for_windows(k, [&](int64_t in, int64_t out, int64_t) {
    want_y[out] += x[in];
    size[out] += 1;
  });
  for (int64_t i = 0; i < n_out; ++i) {
    if (count_padding) size[i] = static_cast<T>(k.p.window_h * k.p.window_w);
    want_y[i] /= size[i];
  }
  for_windows(k, [&](int64_t in, int64_t out, int64_t) { want_dx[in] += dy[out] / size[out]; });
  check::run_plan(plan_avg_pool2d(operand(dtype, k.in()), operand(dtype, k.out()), k.p, count_padding),
                  {x.data(), y.data()});
  check::run_plan(plan_avg_pool2d_backward(operand(dtype, k.out()), operand(dtype, k.in()), k.p, count_padding),
                  {dy.data(), dx.data()});
  check::report(same_bits(y, want_y), __FILE__, __LINE__, text("average of ", k.in(), " to ", k.out()));
  check::report(same_bits(dx, want_dx), __FILE__, __LINE__, text("its gradient of ", k.in(), " to ", k.out()));
}

void test_random_cases() {
  std::mt19937 random(4);
  const int64_t channels[] = {1, 3, 15, 16, 17, 33, 64};
  for (int round = 0; round < 60; ++round) {
    auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
    Case k{1 + below(2), 1 + below(9), 1 + below(9), channels[below(7)], {}, 0, 0};
    k.p.window_h = 1 + random() % std::min<int64_t>(4, k.height);
    k.p.window_w = 1 + random() % std::min<int64_t>(4, k.width);
    k.p.stride_h = 1 + random() % 4, k.p.stride_w = 1 + random() % 4;
    k.p.pad_top = random() % k.p.window_h, k.p.pad_left = random() % k.p.window_w;
    k.pad_bottom = random() % k.p.window_h, k.pad_right = random() % k.p.window_w;
    const bool flag = random() % 2;
    check_max<float>(DType::F32, k, random, flag);
    check_max<double>(DType::F64, k, random, flag);
    check_avg<float>(DType::F32, k, random, flag);
    check_avg<double>(DType::F64, k, random, flag);
  }
}

// The values are exact in 16 bits, so that the f32 result converts to the same bits.
void test_half(DType dtype) {
  const Shape in{1, 4, 4, 19}, out{1, 2, 2, 19};
  const PoolParams p{2, 2, 2, 2, 0, 0};
  const int64_t n = count(in), n_out = count(out);
  auto half = [&](float v) {
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    // Small integers: one rebiased exponent, upper bits of the mantissa.
    if (dtype == DType::BF16 || v == 0) return static_cast<uint16_t>(bits >> 16);
    return static_cast<uint16_t>((bits >> 16 & 0x8000) | ((bits >> 23 & 0xff) - 112) << 10 | (bits >> 13 & 0x3ff));
  };
  std::vector<uint16_t> x(n), y(n_out), dx(n), average(n_out);
  for (int64_t i = 0; i < n; ++i) x[i] = half(static_cast<float>(i * 7 % 23) - 11);
  std::vector<uint8_t> index(n_out);
  check::run_plan(plan_max_pool2d(operand(dtype, in), operand(dtype, out), operand(DType::U8, out), p),
                  {x.data(), y.data(), index.data()});
  check::run_plan(plan_max_pool2d_backward(operand(dtype, out), operand(DType::U8, out), operand(dtype, in), p),
                  {y.data(), index.data(), dx.data()});
  check::run_plan(plan_avg_pool2d(operand(dtype, in), operand(dtype, out), p, true), {x.data(), average.data()});
  const Case k{1, 4, 4, 19, p, 0, 0};
  std::vector<float> best(n_out, -99), sum(n_out, 0);
  for_windows(k, [&](int64_t from, int64_t to, int64_t) {
    best[to] = std::max(best[to], static_cast<float>(from * 7 % 23) - 11);
    sum[to] += static_cast<float>(from * 7 % 23) - 11;
  });
  for (int64_t i = 0; i < n_out; ++i) CHECK_EQ(y[i], half(best[i]));
  for (int64_t i = 0; i < n_out; ++i) CHECK_EQ(average[i], half(sum[i] / 4));
  for_windows(k, [&](int64_t from, int64_t to, int64_t position) {
    CHECK_EQ(dx[from], index[to] == position ? y[to] : half(0));
  });
}

void test_window_of_more_than_a_byte() {
  const Shape in{1, 20, 20, 1}, out{1, 1, 1, 1};
  CHECK_THROWS(
      plan_max_pool2d(operand(DType::F32, in), operand(DType::F32, out), operand(DType::U8, out),
                      PoolParams{20, 20, 1, 1, 0, 0}),
      ShapeError,
      "[max_pool2d] kernel_size = (20, 20); expected at most 256 elements, for the winner is kept in a byte; pool "
      "twice with smaller windows");
}

}  // namespace

int main() {
  for (std::string_view isa : check::usable_isas()) {
    set_isa(isa);
    test_random_cases();
    test_half(DType::F16);
    test_half(DType::BF16);
  }
  test_window_of_more_than_a_byte();
  return check::finish();
}
