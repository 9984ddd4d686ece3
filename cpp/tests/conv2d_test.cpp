// Convolutions and their gradients: every bit against a scalar reference that follows the canonical order literally.
#include <cmath>

#include "core/error.h"
#include "images.h"
#include "ops/conv2d/plan.h"
#include "run_hostile.h"
#include "run_plan.h"

namespace pt {
namespace {

using check::CanonicalSum;
using check::Image;

struct Case {
  int64_t images, height, width, in_channels, kernel_h, kernel_w, out_channels;
  Conv2dParams params = {};
};

template <class T>
struct Trial {
  Case t;
  Shape x_shape, w_shape, y_shape;
  Image<T> x, w, y, dx, dw;

  static Shape output_shape(const Case& c) {
    const Conv2dParams& p = c.params;
    return {c.images, conv_output_size(c.height, c.kernel_h, p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h),
            conv_output_size(c.width, c.kernel_w, p.stride_w, p.pad_left + p.pad_right, p.dilation_w), c.out_channels};
  }
  Trial(const Case& c, DType dtype)
      : t(c),
        x_shape{c.images, c.height, c.width, c.in_channels},
        w_shape{c.kernel_h, c.kernel_w, c.in_channels / c.params.groups, c.out_channels},
        y_shape(output_shape(c)),
        x(x_shape, dtype),
        w(w_shape, dtype),
        y(y_shape, dtype),
        dx(x_shape, dtype),
        dw(w_shape, dtype) {
    x.fill();
    w.fill();
  }

  T x_or_zero(int64_t n, int64_t iy, int64_t ix, int64_t c) {
    const bool inside = iy >= 0 && iy < t.height && ix >= 0 && ix < t.width;
    return inside ? *x.at(n, iy, ix, c) : T(0);
  }
  int64_t input_row(int64_t oy, int64_t ky) {
    return oy * t.params.stride_h - t.params.pad_top + ky * t.params.dilation_h;
  }
  int64_t input_col(int64_t ox, int64_t kx) {
    return ox * t.params.stride_w - t.params.pad_left + kx * t.params.dilation_w;
  }

  void want_forward(Image<T>& out) {
    const int64_t in = w_shape[2], per_group = t.out_channels / t.params.groups;
    for (int64_t n = 0; n < y_shape[0]; ++n)
      for (int64_t oy = 0; oy < y_shape[1]; ++oy)
        for (int64_t ox = 0; ox < y_shape[2]; ++ox)
          for (int64_t co = 0; co < t.out_channels; ++co) {
            CanonicalSum<T> sum;
            for (int64_t ky = 0; ky < t.kernel_h; ++ky)
              for (int64_t kx = 0; kx < t.kernel_w; ++kx)
                for (int64_t c = 0; c < in; ++c)
                  sum.add(x_or_zero(n, input_row(oy, ky), input_col(ox, kx), co / per_group * in + c),
                          *w.at(ky, kx, c, co));
            *out.at(n, oy, ox, co) = sum.result();
          }
  }

  void want_weight(Image<T>& out) {
    const int64_t in = w_shape[2], per_group = t.out_channels / t.params.groups;
    for (int64_t ky = 0; ky < t.kernel_h; ++ky)
      for (int64_t kx = 0; kx < t.kernel_w; ++kx)
        for (int64_t c = 0; c < in; ++c)
          for (int64_t co = 0; co < t.out_channels; ++co) {
            CanonicalSum<T> sum;
            for (int64_t n = 0; n < y_shape[0]; ++n)
              for (int64_t oy = 0; oy < y_shape[1]; ++oy)
                for (int64_t ox = 0; ox < y_shape[2]; ++ox)
                  sum.add(x_or_zero(n, input_row(oy, ky), input_col(ox, kx), co / per_group * in + c),
                          *y.at(n, oy, ox, co));
            *out.at(ky, kx, c, co) = sum.result();
          }
  }

  void want_input(Image<T>& out) {
    const int64_t in = w_shape[2], per_group = t.out_channels / t.params.groups;
    const Conv2dParams& p = t.params;
    for (int64_t n = 0; n < t.images; ++n)
      for (int64_t iy = 0; iy < t.height; ++iy)
        for (int64_t ix = 0; ix < t.width; ++ix)
          for (int64_t c = 0; c < t.in_channels; ++c) {
            CanonicalSum<T> sum;
            for (int64_t ky = 0; ky < t.kernel_h; ++ky)
              for (int64_t kx = 0; kx < t.kernel_w; ++kx) {
                const int64_t sy = iy + p.pad_top - ky * p.dilation_h, sx = ix + p.pad_left - kx * p.dilation_w;
                if (sy % p.stride_h != 0 || sx % p.stride_w != 0) continue;
                const int64_t oy = sy / p.stride_h, ox = sx / p.stride_w;
                const bool inside = oy >= 0 && oy < y_shape[1] && ox >= 0 && ox < y_shape[2];
                for (int64_t o = 0; o < per_group; ++o) {
                  const int64_t co = c / in * per_group + o;
                  sum.add(inside ? *y.at(n, oy, ox, co) : T(0), *w.at(ky, kx, c % in, co));
                }
              }
            *out.at(n, iy, ix, c) = sum.result();
          }
  }

  void expect(const Image<T>& got, const Image<T>& want, std::string_view isa, const char* what) {
    const Conv2dParams& p = t.params;
    check::report(got.same(want), __FILE__, __LINE__,
                  text(isa, " ", what, " x ", x_shape, " w ", w_shape, " stride ", p.stride_h, ",", p.stride_w,
                       " padding ", p.pad_top, ",", p.pad_bottom, ",", p.pad_left, ",", p.pad_right, " dilation ",
                       p.dilation_h, ",", p.dilation_w, " groups ", p.groups, ": other bits"));
  }

  void run(const std::vector<std::string_view>& isas, int plans = 1) {
    Image<T> want_y = y, want_dx = dx, want_dw = dw;
    want_forward(want_y);
    const Image<T> blank = y;
    y.fill();
    want_weight(want_dw);
    want_input(want_dx);
    for (std::string_view isa : isas) {
      set_isa(isa);
      for (int plan = 0; plan < plans; ++plan) compare(isa, blank, want_y, want_dx, want_dw);
    }
  }

  void compare(std::string_view isa, const Image<T>& blank, const Image<T>& want_y, const Image<T>& want_dx,
               const Image<T>& want_dw) {
    Image<T> got_y = blank, got_dx = dx, got_dw = dw;
    check::run_hostile(plan_conv2d(x.operand, w.operand, y.operand, t.params, check::varied_context()),
                       {x.data(), w.data(), got_y.data()});
    check::run_hostile(plan_conv2d_grad_input(y.operand, w.operand, x.operand, t.params, check::varied_context()),
                       {y.data(), w.data(), got_dx.data()});
    check::run_hostile(plan_conv2d_grad_weight(x.operand, y.operand, w.operand, t.params, check::varied_context()),
                       {x.data(), y.data(), got_dw.data()});
    expect(got_y, want_y, isa, "forward");
    expect(got_dx, want_dx, isa, "gradient of the input");
    expect(got_dw, want_dw, isa, "gradient of the weights");
  }
};

void check_shapes(const std::vector<std::string_view>& isas) {
  const Case cases[] = {
      {2, 7, 9, 1, 5, 5, 32, {1, 1, 2, 2, 2, 2}},
      {2, 14, 14, 8, 5, 5, 16, {1, 1, 2, 2, 2, 2}},
      {3, 8, 8, 3, 3, 3, 17, {1, 1, 1, 1, 1, 1}},
      {2, 9, 8, 6, 3, 3, 10, {2, 2, 1, 1, 1, 1}},
      {2, 9, 8, 6, 1, 1, 10, {2, 2}},
      {2, 5, 5, 20, 1, 1, 33},
      {1, 11, 13, 5, 3, 2, 7, {2, 3, 0, 1, 2, 0, 2, 1}},
      {1, 12, 12, 4, 3, 3, 5, {3, 2, 2, 2, 2, 2, 2, 2}},
      {2, 6, 6, 8, 3, 3, 12, {1, 1, 1, 1, 1, 1, 1, 1, 4}},
      {2, 7, 7, 8, 3, 3, 12, {2, 2, 1, 1, 1, 1, 1, 1, 4}},
      {2, 7, 7, 37, 3, 3, 37, {1, 1, 1, 1, 1, 1, 1, 1, 37}},
      {2, 9, 9, 16, 5, 3, 16, {2, 2, 2, 2, 1, 1, 1, 1, 16}},
      {1, 10, 10, 3, 3, 3, 6, {1, 1, 2, 2, 2, 2, 2, 2, 3}},
      {1, 3, 3, 2, 5, 5, 4, {1, 1, 3, 3, 3, 3}},
      {1, 4, 4, 90, 7, 7, 6, {1, 1, 3, 3, 3, 3}},
      {5, 32, 32, 2, 3, 3, 4, {1, 1, 1, 1, 1, 1}},
      {5, 32, 32, 9, 3, 3, 9, {1, 1, 1, 1, 1, 1, 1, 1, 9}},
      {1, 20, 20, 2, 17, 17, 2, {1, 1, 0, 0, 0, 0, 1, 1, 2}},
      {1, 2, 2, 3, 3, 3, 4},
      {0, 5, 5, 3, 3, 3, 4},
      {1, 5, 5, 0, 3, 3, 4},
  };
  for (const Case& t : cases) {
    Trial<float>(t, DType::F32).run(isas);
    Trial<double>(t, DType::F64).run(isas);
  }
}

// On 1 to 16 threads: chunks whose last has two rows, fewer than a tile; images whose windows are lower than a step, so
// that a chunk of few images reads the most lines.
void check_threads(const std::vector<std::string_view>& isas) {
  const Case cases[] = {
      {10, 7, 7, 8, 3, 3, 80, {1, 1, 1, 1, 1, 1}},
      {7, 16, 20, 31, 1, 7, 6, {2, 3}},
  };
  for (const Case& t : cases) {
    Trial<float>(t, DType::F32).run(isas, 16);
    Trial<double>(t, DType::F64).run(isas, 16);
  }
}

// f16 and bf16 read by a convolution are what they are when widened before it.
void check_halves(const std::vector<std::string_view>& isas) {
  for (int64_t groups : {1, 2, 8}) {
    const Case t = {2, 6, 7, 8, 3, 3, 8, {1, 1, 1, 1, 1, 1, 1, 1, groups}};
    Trial<float> wide(t, DType::F32);
    Image<uint16_t> x(wide.x_shape, DType::BF16), w(wide.w_shape, DType::BF16);
    const auto narrow = [](Image<float>& from, Image<uint16_t>& to) {
      for (int64_t i = 0; i < count(from.operand.shape); ++i) {
        float& value = from.values[from.kCanary + i];
        const uint32_t bits = __builtin_bit_cast(uint32_t, value) & 0xffff0000u;
        value = __builtin_bit_cast(float, bits);
        to.values[to.kCanary + i] = static_cast<uint16_t>(bits >> 16);
      }
    };
    narrow(wide.x, x);
    narrow(wide.w, w);
    Image<float> want = wide.y;
    wide.want_forward(want);
    for (std::string_view isa : isas) {
      set_isa(isa);
      Image<float> got = wide.y;
      check::run_hostile(plan_conv2d(x.operand, w.operand, got.operand, t.params, check::varied_context()),
                         {x.data(), w.data(), got.data()});
      wide.expect(got, want, isa, "bf16 forward");
      Image<uint16_t> rounded(wide.y_shape, DType::BF16);
      check::run_hostile(plan_conv2d(x.operand, w.operand, rounded.operand, t.params, check::varied_context()),
                         {x.data(), w.data(), rounded.data()});
      int64_t wrong = 0;
      for (int64_t i = 0; i < count(wide.y_shape); ++i) {
        const float exact = want.values[want.kCanary + i];
        const float half = __builtin_bit_cast(float, uint32_t(rounded.values[rounded.kCanary + i]) << 16);
        wrong += !(std::fabs(half - exact) <= std::fabs(exact) / 256);
      }
      CHECK_EQ(wrong, 0);
    }
  }
}

// relu(conv + bias) * residual, of the convolution and of the gradient of its input, against the same sums apart.
void check_epilogue(const Case& t, const std::vector<std::string_view>& isas) {
  Trial<float> trial(t, DType::F32);
  trial.y.fill();
  const auto check = [&](const Shape& shape, const auto& plain, const auto& with_epilogue, Image<float>& first) {
    Image<float> sums(shape, DType::F32), residual(shape, DType::F32), out(shape, DType::F32);
    Image<float> bias({1, 1, 1, shape[3]}, DType::F32);
    residual.fill(), bias.fill();
    set_isa("generic");
    check::run_hostile(plain(sums.operand), {first.data(), trial.w.data(), sums.data()});
    const FusedProgram program = check::gated_residual(shape);
    const Image<float> want = check::gated_residual(sums, bias, residual);
    for (std::string_view isa : isas) {
      set_isa(isa);
      Image<float> got = out;
      check::run_hostile(with_epilogue(TensorType{DType::F32, shape}, program),
                         {first.data(), trial.w.data(), bias.data(), residual.data(), got.data()});
      trial.expect(got, want, isa, "epilogue");
    }
  };
  const Operand &x = trial.x.operand, &w = trial.w.operand, &y = trial.y.operand;
  check(
      trial.y_shape, [&](const Operand& out) { return plan_conv2d(x, w, out, t.params, check::varied_context()); },
      [&](const TensorType& out, const FusedProgram& p) {
        return plan_conv2d(x, w, out, t.params, p, check::varied_context());
      },
      trial.x);
  if (t.params.stride_h > 1) return;
  check(
      trial.x_shape,
      [&](const Operand& out) { return plan_conv2d_grad_input(y, w, out, t.params, check::varied_context()); },
      [&](const TensorType& out, const FusedProgram& p) {
        return plan_conv2d_grad_input(y, w, out, t.params, p, check::varied_context());
      },
      trial.y);
}

void check_epilogues(const std::vector<std::string_view>& isas) {
  const Case cases[] = {
      {2, 14, 14, 8, 5, 5, 33, {1, 1, 2, 2, 2, 2}},
      {2, 9, 8, 6, 3, 3, 10, {2, 2, 1, 1, 1, 1}},
      {2, 5, 5, 20, 1, 1, 33},
      {2, 6, 6, 8, 3, 3, 12, {1, 1, 1, 1, 1, 1, 1, 1, 4}},
      {2, 7, 7, 37, 3, 3, 37, {1, 1, 1, 1, 1, 1, 1, 1, 37}},
      {1, 4, 4, 90, 7, 7, 6, {1, 1, 3, 3, 3, 3}},
  };
  for (const Case& t : cases) check_epilogue(t, isas);
  FusedProgram uneven;
  uneven.extents = {2, 4, 4, 3};
  uneven.inputs = 2;
  uneven.operands = {{DType::F32, {}}, {DType::F32, {0, 12, 3, 1}}, {DType::F32, {48, 12, 3, 1}}};
  std::string why;
  CHECK(!conv2d_epilogue_fits(uneven, {DType::F32, {2, 4, 4, 3}}, &why));
  CHECK_EQ(why,
           std::string("the epilogue over [2, 4, 4, 3] has an operand that does not advance evenly over n, h and w; "
                       "all or none of these axes broadcast is expected; copy it"));
}

void check_errors() {
  const auto operand = [](const Shape& shape) { return Operand{DType::F32, shape, row_major(shape)}; };
  const Operand x = operand({2, 8, 8, 3}), w = operand({3, 3, 3, 4});
  CHECK_THROWS(plan_conv2d(x, w, operand({2, 8, 8, 4}), {}, check::varied_context()), ShapeError,
               "[conv2d] input is [2, 8, 8, 3], weight is [3, 3, 3, 4], y is [2, 8, 8, 4]; y of [2, 6, 6, 4] is "
               "expected; change "
               "padding, stride or dilation");
  CHECK_THROWS(
      plan_conv2d(x, operand({3, 3, 2, 4}), operand({2, 6, 6, 4}), {}, check::varied_context()), ShapeError,
      "[conv2d] input is [2, 8, 8, 3], weight is [3, 3, 2, 4], y is [2, 6, 6, 4]; channels that divide into 1 groups, "
      "as weight has them, are expected; change groups or weight");
  Conv2dParams zero_stride;
  zero_stride.stride_h = 0;
  CHECK_THROWS(plan_conv2d(x, w, operand({2, 6, 6, 4}), zero_stride, check::varied_context()), ShapeError,
               "[conv2d] stride_h = 0; at least 1 is expected; for example 1");
}

}  // namespace
}  // namespace pt

int main() {
  const std::vector<std::string_view> isas = pt::check::usable_isas();
  pt::check_errors();
  pt::check_shapes(isas);
  pt::check_threads(isas);
  pt::check_halves(isas);
  pt::check_epilogues(isas);
  return pt::check::finish();
}
