// Convolutions by tiles of 2 x 2 pixels: every bit against a scalar reference that follows their order literally, for
// each instruction set and 1 to 16 threads; their error beside that of the direct sum; and which ones they are.
#include "ops/conv2d/winograd.h"

#include <array>
#include <functional>

#include "core/error.h"
#include "images.h"
#include "ops/conv2d/plan.h"
#include "run_hostile.h"
#include "run_plan.h"

namespace pt {
namespace {

using check::CanonicalSum;
using check::Image;
using Line = std::vector<float>;
using Square = std::vector<Line>;

// The transforms along one axis.
Line source_points(const Line& d) { return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]}; }
Line weight_points(const Line& g) {
  const float ends = g[0] + g[2];
  return {g[0], (ends + g[1]) * 0.5f, (ends - g[1]) * 0.5f, g[2]};
}
Line tile_pixels(const Line& m) { return {(m[0] + m[1]) + m[2], (m[1] - m[2]) - m[3]}; }
Line grad_points(const Line& y) { return {y[0], y[0] + y[1], y[0] - y[1], 0.0f - y[1]}; }
Line grad_taps(const Line& m) {
  const float sum = (m[1] + m[2]) * 0.5f;
  return {m[0] + sum, (m[1] - m[2]) * 0.5f, sum + m[3]};
}

Square turned(const Square& s) {
  Square t(s[0].size(), Line(s.size()));
  for (size_t i = 0; i < s.size(); ++i)
    for (size_t j = 0; j < s[i].size(); ++j) t[j][i] = s[i][j];
  return t;
}

// Down the columns, then along the rows.
Square transformed(const Square& s, Line (*along)(const Line&)) {
  Square columns = turned(s);
  for (Line& column : columns) column = along(column);
  Square rows = turned(columns);
  for (Line& row : rows) row = along(row);
  return rows;
}

Square square(int64_t side, const std::function<float(int64_t, int64_t)>& of) {
  Square s(side, Line(side));
  for (int64_t i = 0; i < side; ++i)
    for (int64_t j = 0; j < side; ++j) s[i][j] = of(i, j);
  return s;
}

struct Case {
  int64_t images, height, width, in_channels, out_channels;
  Conv2dParams params = {};
};

Conv2dParams padded(int64_t top, int64_t bottom, int64_t left, int64_t right) {
  Conv2dParams p;
  p.pad_top = top, p.pad_bottom = bottom, p.pad_left = left, p.pad_right = right;
  return p;
}

struct Trial {
  Case t;
  Shape y_shape;
  Image<float> x, w, y, dx, dw;

  explicit Trial(const Case& c)
      : t(c),
        y_shape{c.images, c.height + c.params.pad_top + c.params.pad_bottom - 2,
                c.width + c.params.pad_left + c.params.pad_right - 2, c.out_channels},
        x({c.images, c.height, c.width, c.in_channels}, DType::F32),
        w({3, 3, c.in_channels, c.out_channels}, DType::F32),
        y(y_shape, DType::F32),
        dx(x.operand.shape, DType::F32),
        dw(w.operand.shape, DType::F32) {
    x.fill(), w.fill(), y.fill();
  }

  static float inside(Image<float>& image, int64_t n, int64_t y, int64_t x, int64_t c) {
    const Shape& s = image.operand.shape;
    return y >= 0 && y < s[1] && x >= 0 && x < s[2] ? *image.at(n, y, x, c) : 0;
  }

  using Weight = std::function<float(int64_t ky, int64_t kx, int64_t k, int64_t c)>;

  // out(n, y, x, c) from pixels (y + first_y + ky, x + first_x + kx) of a source and weights over its channels.
  static void want_pixels(Image<float>& source, const Weight& weight, int64_t first_y, int64_t first_x,
                          Image<float>& out) {
    const Shape &s = out.operand.shape, &from = source.operand.shape;
    std::vector<Square> u(from[3] * s[3]);
    for (int64_t k = 0; k < from[3]; ++k)
      for (int64_t c = 0; c < s[3]; ++c)
        u[k * s[3] + c] =
            transformed(square(3, [&](int64_t i, int64_t j) { return weight(i, j, k, c); }), weight_points);
    for (int64_t n = 0; n < s[0]; ++n)
      for (int64_t ty = 0; ty < s[1]; ty += 2)
        for (int64_t tx = 0; tx < s[2]; tx += 2) {
          std::vector<Square> v;
          for (int64_t k = 0; k < from[3]; ++k)
            v.push_back(transformed(
                square(4,
                       [&](int64_t i, int64_t j) { return inside(source, n, ty + first_y + i, tx + first_x + j, k); }),
                source_points));
          for (int64_t c = 0; c < s[3]; ++c) {
            const Square m = square(4, [&](int64_t i, int64_t j) {
              float sum = 0;
              for (int64_t block = 0; block < from[3]; block += 128) {
                float chain = 0;
                for (int64_t k = block; k < std::min(block + 128, from[3]); ++k)
                  chain = std::fma(v[k][i][j], u[k * s[3] + c][i][j], chain);
                sum = block ? sum + chain : chain;
              }
              return sum;
            });
            const Square pixels = transformed(m, tile_pixels);
            for (int64_t i = 0; i < 2; ++i)
              for (int64_t j = 0; j < 2; ++j)
                if (ty + i < s[1] && tx + j < s[2]) *out.at(n, ty + i, tx + j, c) = pixels[i][j];
          }
        }
  }

  void want_forward(Image<float>& out) {
    want_pixels(
        x, [&](int64_t i, int64_t j, int64_t k, int64_t c) { return *w.at(i, j, k, c); }, -t.params.pad_top,
        -t.params.pad_left, out);
  }
  void want_input(Image<float>& out) {
    want_pixels(
        y, [&](int64_t i, int64_t j, int64_t k, int64_t c) { return *w.at(2 - i, 2 - j, c, k); }, t.params.pad_top - 2,
        t.params.pad_left - 2, out);
  }

  void want_weight(Image<float>& out) {
    const int64_t rows = (y_shape[1] + 1) / 2, cols = (y_shape[2] + 1) / 2, tiles = t.images * rows * cols;
    const int64_t group = std::max<int64_t>(((tiles + 15) / 16 + 63) / 64 * 64, 512);
    const auto points = [&](int64_t channels, int64_t side, Line (*along)(const Line&), const auto& pixel) {
      std::vector<Square> all;
      for (int64_t tile = 0; tile < tiles; ++tile)
        for (int64_t c = 0; c < channels; ++c)
          all.push_back(transformed(square(side,
                                           [&](int64_t i, int64_t j) {
                                             return pixel(tile / (rows * cols), tile / cols % rows * 2 + i,
                                                          tile % cols * 2 + j, c);
                                           }),
                                    along));
      return all;
    };
    const auto v = points(t.in_channels, 4, source_points, [&](int64_t n, int64_t iy, int64_t ix, int64_t c) {
      return inside(x, n, iy - t.params.pad_top, ix - t.params.pad_left, c);
    });
    const auto d = points(t.out_channels, 2, grad_points,
                          [&](int64_t n, int64_t oy, int64_t ox, int64_t c) { return inside(y, n, oy, ox, c); });
    for (int64_t k = 0; k < t.in_channels; ++k)
      for (int64_t c = 0; c < t.out_channels; ++c) {
        const Square m = square(4, [&](int64_t i, int64_t j) {
          float total = 0;
          for (int64_t first = 0; first < tiles; first += group) {
            const int64_t end = std::min(first + group, tiles);
            float sum = 0;
            for (int64_t block = first; block < end; block += 64) {
              float chain = 0;
              for (int64_t tile = block; tile < std::min(block + 64, end); ++tile)
                chain = std::fma(v[tile * t.in_channels + k][i][j], d[tile * t.out_channels + c][i][j], chain);
              sum = block > first ? sum + chain : chain;
            }
            total = first ? total + sum : sum;
          }
          return total;
        });
        const Square taps = transformed(m, grad_taps);
        for (int64_t i = 0; i < 3; ++i)
          for (int64_t j = 0; j < 3; ++j) *out.at(i, j, k, c) = taps[i][j];
      }
  }

  LaunchPlan plan_y(const PlanContext& c) { return plan_conv2d(x.operand, w.operand, y.operand, t.params, c); }
  LaunchPlan plan_dx(const PlanContext& c) {
    return plan_conv2d_grad_input(y.operand, w.operand, x.operand, t.params, c);
  }
  LaunchPlan plan_dw(const PlanContext& c) {
    return plan_conv2d_grad_weight(x.operand, y.operand, w.operand, t.params, c);
  }

  void expect(const Image<float>& got, const Image<float>& want, std::string_view isa, const char* what) {
    check::report(got.same(want), __FILE__, __LINE__,
                  text(isa, " ", what, " x ", x.operand.shape, " w ", w.operand.shape, ": other bits"));
  }

  void run(const std::vector<std::string_view>& isas) {
    Image<float> blank(y_shape, DType::F32), want_y = blank, want_dx = dx, want_dw = dw;
    want_forward(want_y), want_input(want_dx), want_weight(want_dw);
    for (std::string_view isa : isas) {
      set_isa(isa);
      for (int turn = 0; turn < 3; ++turn) {  // of other numbers of threads
        Image<float> got_y = blank, got_dx = dx, got_dw = dw;
        check::run_hostile(plan_y(check::varied_context()), {x.data(), w.data(), got_y.data()});
        check::run_hostile(plan_dx(check::varied_context()), {y.data(), w.data(), got_dx.data()});
        check::run_hostile(plan_dw(check::varied_context()), {x.data(), y.data(), got_dw.data()});
        expect(got_y, want_y, isa, "forward");
        expect(got_dx, want_dx, isa, "gradient of the input");
        expect(got_dw, want_dw, isa, "gradient of the weights");
      }
    }
  }
};

bool by_tiles(const LaunchPlan& plan) {
  for (const Launch& launch : plan.launches)
    if (launch.variant == kWinograd || launch.variant == kWinogradGrad) return true;
  return false;
}

void check_bits(const std::vector<std::string_view>& isas) {
  const Case cases[] = {
      {4, 8, 8, 64, 64, padded(1, 1, 1, 1)},
      {6, 7, 9, 32, 80, padded(1, 1, 1, 1)},    // tiles that end beyond the image
      {1, 14, 71, 50, 49, padded(0, 1, 2, 0)},  // lines longer than a chunk; channels beside whole vectors
      {6, 8, 7, 136, 52, padded(2, 0, 0, 1)},   // two chains over channels
      {33, 8, 8, 48, 48, padded(1, 1, 1, 1)},   // two groups of tiles
      {2, 16, 16, 60, 270, padded(1, 1, 1, 1)},
  };
  for (const Case& t : cases) {
    Trial trial(t);
    CHECK(by_tiles(trial.plan_y(check::varied_context())));
    CHECK(by_tiles(trial.plan_dx(check::varied_context())));
    CHECK(by_tiles(trial.plan_dw(check::varied_context())));
    trial.run(isas);
  }
}

// Root mean square of what is left beside float64.
struct Error {
  double squares = 0, most = 0;
  void add(double got, double want) {
    squares += (got - want) * (got - want);
    most = std::max(most, std::fabs(got - want));
  }
};

// Of all pixels of a result: by tiles, and as the direct sum in the canonical order.
void check_error(int64_t in, int64_t out, double mean) {
  Trial trial({4, 8, 8, in, out, padded(1, 1, 1, 1)});
  std::normal_distribution<float> normal(0, 1);
  for (float& value : trial.x.values)
    value = std::max(normal(check::random_bits) + static_cast<float>(mean), mean > 0 ? 0.f : -9.f);
  for (float& value : trial.w.values) value = 0.05f * normal(check::random_bits);
  for (float& value : trial.y.values) value = normal(check::random_bits);
  const auto compare = [&](const char* what, int64_t images, const LaunchPlan& plan, Image<float>& a, Image<float>& b,
                           Image<float> got, const auto& terms) {
    check::run_hostile(plan, {a.data(), b.data(), got.data()});
    Error tiles, direct;
    const Shape& s = got.operand.shape;
    for (int64_t n = 0; n < images; ++n)
      for (int64_t i = 0; i < s[1]; ++i)
        for (int64_t j = 0; j < s[2]; ++j)
          for (int64_t c = 0; c < s[3]; c += 5) {
            CanonicalSum<float> sum;
            double exact = 0;
            terms(n, i, j, c, [&](float left, float right) {
              sum.add(left, right);
              exact += double(left) * right;
            });
            tiles.add(*got.at(n, i, j, c), exact), direct.add(sum.result(), exact);
          }
    const double ratio = std::sqrt(tiles.squares / direct.squares), most = tiles.most / direct.most;
    std::printf("%s %lld -> %lld, mean %.1f: error %.2f of the direct sum's, the largest %.2f\n", what,
                static_cast<long long>(in), static_cast<long long>(out), mean, ratio, most);
    check::report(ratio <= 2 && most <= 2, __FILE__, __LINE__, text(what, " ", in, " ", out, ": ", ratio, ", ", most));
  };
  const auto context = [] { return check::varied_context(); };
  compare("result", 4, trial.plan_y(context()), trial.x, trial.w, trial.y,
          [&](int64_t n, int64_t i, int64_t j, int64_t c, const auto& add) {
            for (int64_t y = 0; y < 3; ++y)
              for (int64_t x = 0; x < 3; ++x)
                for (int64_t k = 0; k < in; ++k)
                  add(Trial::inside(trial.x, n, i + y - 1, j + x - 1, k), *trial.w.at(y, x, k, c));
          });
  compare("gradient of the input", 4, trial.plan_dx(context()), trial.y, trial.w, trial.dx,
          [&](int64_t n, int64_t i, int64_t j, int64_t c, const auto& add) {
            for (int64_t y = 0; y < 3; ++y)
              for (int64_t x = 0; x < 3; ++x)
                for (int64_t k = 0; k < out; ++k)
                  add(Trial::inside(trial.y, n, i - y + 1, j - x + 1, k), *trial.w.at(y, x, c, k));
          });
  compare("gradient of the weights", 3, trial.plan_dw(context()), trial.x, trial.y, trial.dw,
          [&](int64_t i, int64_t j, int64_t k, int64_t c, const auto& add) {
            for (int64_t n = 0; n < 4; ++n)
              for (int64_t y = 0; y < 8; ++y)
                for (int64_t x = 0; x < 8; ++x)
                  add(Trial::inside(trial.x, n, y + i - 1, x + j - 1, k), *trial.y.at(n, y, x, c));
          });
}

// relu(conv + bias) * residual, of the result and of the gradient of the input, against the same sums apart.
void check_epilogue(const Case& t, const std::vector<std::string_view>& isas) {
  Trial trial(t);
  const auto check = [&](const char* what, const LaunchPlan& plain, const auto& with_epilogue, Image<float>& first,
                         const Shape& shape) {
    Image<float> sums(shape, DType::F32), residual(shape, DType::F32), out(shape, DType::F32);
    Image<float> bias({1, 1, 1, shape[3]}, DType::F32);
    residual.fill(), bias.fill();
    check::run_hostile(plain, {first.data(), trial.w.data(), sums.data()});
    const FusedProgram program = check::gated_residual(shape);
    const Image<float> want = check::gated_residual(sums, bias, residual);
    for (std::string_view isa : isas) {
      set_isa(isa);
      Image<float> got = out;
      const LaunchPlan plan = with_epilogue(TensorType{DType::F32, shape}, program);
      CHECK(by_tiles(plan));
      check::run_hostile(plan, {first.data(), trial.w.data(), bias.data(), residual.data(), got.data()});
      trial.expect(got, want, isa, what);
    }
  };
  const auto context = [] { return check::varied_context(); };
  check(
      "epilogue", trial.plan_y(context()),
      [&](const TensorType& out, const FusedProgram& p) {
        return plan_conv2d(trial.x.operand, trial.w.operand, out, t.params, p, context());
      },
      trial.x, trial.y_shape);
  check(
      "epilogue of the gradient", trial.plan_dx(context()),
      [&](const TensorType& out, const FusedProgram& p) {
        return plan_conv2d_grad_input(trial.y.operand, trial.w.operand, out, t.params, p, context());
      },
      trial.y, trial.x.operand.shape);
}

// A law of shapes and dtypes alone, and of a result not of the number of images.
void check_law() {
  const auto direct = [](const Case& c, DType dtype = DType::F32, int64_t taps = 3) {
    const Conv2dParams& p = c.params;
    const auto operand = [&](const Shape& s) { return Operand{dtype, s, row_major(s)}; };
    const Operand x = operand({c.images, c.height, c.width, c.in_channels});
    const Operand w = operand({taps, 3, c.in_channels / p.groups, c.out_channels});
    const Operand y =
        operand({c.images, conv_output_size(c.height, taps, p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h),
                 conv_output_size(c.width, 3, p.stride_w, p.pad_left + p.pad_right, p.dilation_w), c.out_channels});
    return !by_tiles(plan_conv2d(x, w, y, p, check::varied_context())) &&
           !by_tiles(plan_conv2d_grad_input(y, w, x, p, check::varied_context())) &&
           !by_tiles(plan_conv2d_grad_weight(x, y, w, p, check::varied_context()));
  };
  const Conv2dParams same = padded(1, 1, 1, 1);
  Conv2dParams strided = same, dilated = same, grouped = same;
  strided.stride_h = 2, dilated.dilation_w = 2, grouped.groups = 2;
  CHECK(!direct({8, 8, 8, 64, 64, same}));
  CHECK(direct({8, 8, 8, 64, 64, strided}));
  CHECK(direct({8, 8, 8, 64, 64, dilated}));
  CHECK(direct({8, 8, 8, 128, 128, grouped}));
  CHECK(direct({8, 8, 8, 64, 64, same}, DType::F32, 2));
  CHECK(direct({8, 8, 8, 31, 64, same}));
  CHECK(direct({8, 8, 8, 513, 64, same}));
  CHECK(direct({8, 8, 8, 64, 513, same}));
  CHECK(direct({8, 8, 8, 64, 31, same}));
  CHECK(direct({8, 8, 8, 64, 64, same}, DType::F64));
  CHECK(direct({8, 8, 8, 64, 64, same}, DType::BF16));
  CHECK(direct({8, 3, 3, 64, 64, same}));
  for (int64_t images : {1, 2, 1000}) {
    Trial trial({images, 4, 4, 64, 64, same});
    CHECK(by_tiles(trial.plan_y(check::varied_context())));
    CHECK(by_tiles(trial.plan_dx(check::varied_context())));
    CHECK_EQ(by_tiles(trial.plan_dw(check::varied_context())), images == 1000);
  }
}

}  // namespace
}  // namespace pt

int main() {
  const std::vector<std::string_view> isas = pt::check::usable_isas();
  pt::check_law();
  pt::check_bits(isas);
  pt::check_epilogue({3, 9, 8, 50, 49, pt::padded(1, 1, 1, 1)}, isas);
  pt::check_epilogue({2, 4, 70, 48, 80, pt::padded(1, 2, 1, 0)}, isas);
  for (double mean : {0.0, 0.5}) {
    pt::check_error(64, 64, mean);
    pt::check_error(256, 128, mean);
    pt::check_error(512, 64, mean);
  }
  return pt::check::finish();
}
