#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/composed.h"

namespace pt {
namespace {

struct Settings {
  std::string mode, padding;
  bool corners;
};

struct Axis {
  int64_t size;
  double low, high;  // between which places are mirrored
};

Axis axis_of(int64_t size, bool corners) {
  const double n = static_cast<double>(size);
  return corners ? Axis{size, 0, n - 1} : Axis{size, -0.5, n - 0.5};
}

// From -1..1 to pixels.
Tensor pixels(const Tensor& place, const Axis& axis, bool corners) {
  const double n = static_cast<double>(axis.size);
  return corners ? ((n - 1) / 2) * (place + 1.0) : 0.5 * (n * (place + 1.0) - 1.0);
}

// The nearest place inside; a NaN becomes 0. At and beyond the border nothing moves.
Tensor clipped(const Tensor& x, const Axis& axis) {
  const Tensor first = fn::number(0), last = fn::number(static_cast<double>(axis.size - 1));
  return fn::where(fn::greater(x, first), fn::where(fn::less(x, last), x, last), first);
}

Tensor mirrored(const Tensor& x, const Axis& axis) {
  const double span = axis.high - axis.low;
  if (span == 0) return 0.0 * x;
  const Tensor from = fn::abs(x - axis.low), half = fn::number(0.5);
  const Tensor times = fn::call("floor", {from / fn::number(span)});
  const Tensor rest = from - span * times, pairs = fn::call("floor", {times * half});
  const Tensor odd = fn::greater(times - 2.0 * pairs, half);
  return fn::where(odd, span - rest, rest) + axis.low;
}

Tensor inside(const Tensor& x, const Axis& axis, const std::string& padding) {
  if (padding == "zeros") return x;
  return clipped(padding == "border" ? x : mirrored(x, axis), axis);
}

// A whole place of an axis: which element is read, and whether there is one.
struct Tap {
  Tensor index, exists;
};

Tap tap_at(const Tensor& x, const Axis& axis) {
  const Tensor exists = fn::logical_and(fn::greater_equal(x, fn::number(0)),
                                        fn::less_equal(x, fn::number(static_cast<double>(axis.size - 1))));
  return {fn::cast(fn::where(exists, x, fn::number(0)), DType::I64), exists};
}

// Keys 1981 with a = -0.75, as PyTorch has it: the weights of the neighbours at -1, 0, 1 and 2 from a place t behind 0.
Tensor cubic(const Tensor& t, int neighbour) {
  constexpr double a = -0.75;
  const Tensor x = neighbour < 1 ? t - static_cast<double>(neighbour) : static_cast<double>(neighbour) - t;
  if (neighbour == 0 || neighbour == 1) return ((a + 2) * x - (a + 3)) * x * x + 1.0;
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

Tensor as_column(const Tensor& weight) {
  Shape shape = weight.shape();
  shape.push_back(1);
  return fn::reshape(weight, shape);
}

// What is read along one axis, and how much of each; without a weight all of it.
using Taps = std::vector<std::pair<Tap, Tensor>>;

// Reads pixels of all images at once: x as rows of channels.
struct Reader {
  Tensor rows, image;  // [n h w, c]; the first row of each image, [n, 1, 1]
  Ints sizes;          // of the axes of space

  // Channels at one tap of each axis, and 0 where there is no pixel.
  Tensor at(const std::vector<Tap>& taps) const {
    Tensor index, there;
    for (std::size_t axis = 0; axis < taps.size(); ++axis) {
      const Tensor size = Tensor::scalar(static_cast<double>(sizes[axis]), DType::I64);
      index = index.defined() ? index * size + taps[axis].index : taps[axis].index;
      there = there.defined() ? fn::logical_and(there, taps[axis].exists) : taps[axis].exists;
    }
    const Tensor read = fn::call("take", {rows, image + index}, {{"axis", int64_t{0}}});
    return fn::where(as_column(there), read, fn::number(0));
  }

  // Every combination of the taps of all axes, the last one's next to each other.
  Tensor weighted(const std::vector<Taps>& axes, std::vector<Tap> chosen = {}) const {
    if (chosen.size() == axes.size()) return at(chosen);
    Tensor sum;
    for (const auto& [tap, weight] : axes[chosen.size()]) {
      chosen.push_back(tap);
      Tensor term = weighted(axes, chosen);
      chosen.pop_back();
      if (weight.defined()) term = term * as_column(weight);
      sum = sum.defined() ? sum + term : term;
    }
    return sum;
  }
};

Taps taps(const Tensor& place, const Axis& axis, const Settings& how) {
  Tensor x = pixels(place, axis, how.corners);
  const bool cubes = how.mode == "bicubic";
  if (!cubes) x = inside(x, axis, how.padding);
  // What no pixel is near to: far outside, or no number at all.
  const double far = 1e9;
  x = fn::where(fn::less(fn::abs(x), fn::number(far)), x, fn::number(-100));
  if (how.mode == "nearest") {
    const Tensor whole = fn::call("round", {x});
    return {{tap_at(whole, axis), Tensor()}};
  }
  const Tensor first = fn::call("floor", {x}), t = x - first;
  Taps all;
  for (int k = cubes ? -1 : 0; k <= (cubes ? 2 : 1); ++k) {
    const Tensor at = first + static_cast<double>(k);
    const Tensor weight = cubes ? cubic(t, k) : k == 0 ? 1.0 - t : t;
    all.emplace_back(tap_at(cubes ? inside(at, axis, how.padding) : at, axis), weight);
  }
  return all;
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Shape &x = in[0].shape(), &grid = in[1].shape();
  const int axes = x.size() - 2;  // of space
  bool fits = (axes == 2 || axes == 3) && grid.size() == x.size() && grid[0] == x[0] && grid.back() == axes;
  for (int i = 1; fits && i <= axes; ++i) fits = x[i] > 0;
  if (!fits) {
    throw ShapeError(text("[grid_sample] input is ", in[0].type(), ", grid is ", in[1].type(),
                          "; expected [n, h, w, channels] and [n, oh, ow, 2], or [n, d, h, w, channels] and "
                          "[n, od, oh, ow, 3]; reshape one"));
  }
  const Settings how{attrs.str("mode"), attrs.str("padding_mode"), attrs.flag("align_corners")};
  if (how.mode == "bicubic" && axes == 3) {
    throw ShapeError(text("[grid_sample] mode = bicubic, input is ", in[0].type(),
                          "; expected an image [n, h, w, channels]; use bilinear or nearest for volumes"));
  }
  const Tensor image = widened(in[0]), places = widened(in[1]);
  Shape plane = grid;
  plane.erase(axes + 1);
  // The last axis of space comes first in a place.
  const auto coordinate = [&](int axis) {
    const auto n = static_cast<std::size_t>(axes) + 2;
    Ints start(n, 0), stop = to_ints(grid);
    start.back() = axes - axis;
    stop.back() = start.back() + 1;
    return fn::reshape(fn::call("slice", {places}, {{"start", start}, {"stop", stop}, {"step", Ints(n, 1)}}), plane);
  };
  int64_t pixels = 1;
  std::vector<Taps> all;
  Ints sizes;
  Shape column{x[0]};
  for (int axis = 1; axis <= axes; ++axis) {
    pixels *= x[axis];
    sizes.push_back(x[axis]);
    column.push_back(1);
    all.push_back(taps(coordinate(axis), axis_of(x[axis], how.corners), how));
  }
  const Tensor first = counting(x[0], DType::I64) * Tensor::scalar(static_cast<double>(pixels), DType::I64);
  const Reader reader{fn::reshape(image, {x[0] * pixels, x.back()}), fn::reshape(first, column), sizes};
  return {fn::cast(reader.weighted(all), in[0].dtype())};
}

const Op* registered =
    define("grid_sample")
        .in("input", Takes::Float)
        .in("grid", Takes::Float)
        .attr("mode", "bilinear", {"bilinear", "nearest", "bicubic"})
        .attr("padding_mode", "zeros", {"zeros", "border", "reflection"})
        .attr("align_corners", false)
        .compose(definition)
        .doc(
            R"(images or volumes read at the places of a grid: the nearest pixel, or the two or four next ones of each axis, weighted.
Shapes    input [n, h, w, c], grid [n, oh, ow, 2] -> [n, oh, ow, c]; a place is (x, y), each from -1 to 1 within the image;
          input [n, d, h, w, c], grid [n, od, oh, ow, 3] -> [n, od, oh, ow, c]; a place is (x, y, z)
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    shapes that do not match; an image without pixels; another mode; bicubic for volumes
Grad      input, grid; the nearest pixel has none by grid, and places beyond a border that is repeated none either
Numerics  -1 and 1 are the outer edges of pixels, or their middles with align_corners; beyond the image are zeros, the
          border, or the image mirrored; half-way between pixels the nearest is the even one
Source    Jaderberg et al. 2015; Keys 1981 with a = -0.75 (bicubic))",
            R"(>>> pt.nn.functional.grid_sample(pt.ones((1, 4, 4, 3)), pt.zeros((1, 2, 2, 2))).shape
(1, 2, 2, 3))");

const AutocastRule rule("grid_sample", Precision::Full);

}  // namespace
}  // namespace pt
