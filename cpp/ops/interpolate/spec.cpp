#include <algorithm>
#include <cmath>

#include "ops/axes.h"
#include "ops/resampling.h"

namespace pt {
namespace {

int64_t inside(int64_t place, int64_t size) { return std::clamp<int64_t>(place, 0, size - 1); }

// Keys 1981 with a = -0.75, as PyTorch and OpenCV have it: the weights of the four neighbours at distance t.
double cubic(double distance) {
  constexpr double a = -0.75;
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

// How the pixels of an axis are placed: `to` of them in place of `from`, each `factor` times as dense, if that is said:
// a factor that gives no whole size is not to / from.
struct Axis {
  int64_t from, to;
  double factor;  // 0: not said
};

// Where the centre of element i of the result lies in x.
double source_of(int64_t i, const Axis& axis, bool corners) {
  const auto place = static_cast<double>(i), from = static_cast<double>(axis.from), to = static_cast<double>(axis.to);
  if (corners) return axis.to == 1 ? 0.0 : place * (from - 1) / (to - 1);
  return axis.factor > 0 ? (place + 0.5) / axis.factor - 0.5 : (place + 0.5) * from / to - 0.5;
}

int64_t nearest(int64_t i, const Axis& axis) {
  return axis.factor > 0 ? static_cast<int64_t>(static_cast<double>(i) / axis.factor) : i * axis.from / axis.to;
}

std::vector<Tap> taps_of(const std::string& mode, const Axis& axis, bool corners) {
  const std::size_t count = mode == "nearest" ? 1 : mode == "bilinear" ? 2 : 4;
  std::vector<Tap> taps(count);
  for (int64_t i = 0; i < axis.to; ++i) {
    if (mode == "nearest") {
      taps[0].place.push_back(inside(nearest(i, axis), axis.from));
      continue;
    }
    double at = source_of(i, axis, corners);
    if (mode == "bilinear") at = std::max(at, 0.0);
    const double below = std::floor(at), t = at - below;
    const auto place = static_cast<int64_t>(below);
    for (std::size_t k = 0; k < count; ++k) {
      const int64_t offset = static_cast<int64_t>(k) - (count == 4 ? 1 : 0);
      taps[k].place.push_back(inside(place + offset, axis.from));
      taps[k].weight.push_back(count == 4 ? cubic(t - static_cast<double>(offset)) : k == 0 ? 1 - t : t);
    }
  }
  return taps;
}

// As asked for, or the whole part of scale_factor times that of the images.
Ints size_of_images(const Shape& shape, const Attrs& attrs) {
  if (attrs.has("size")) return attrs.ints("size");
  if (!attrs.has("scale_factor"))
    throw ShapeError(
        "[interpolate] size = None, scale_factor = None; expected one of them; for example scale_factor = 2");
  Ints size;
  for (int axis = 1; axis + 1 < shape.size(); ++axis) {
    size.push_back(static_cast<int64_t>(static_cast<double>(shape[axis]) * attrs.number("scale_factor")));
  }
  return size;
}

const Op* registered =
    define("interpolate")
        .in("input", Takes::Float)
        .attr_counts("size", 1, std::nullopt, true)
        .attr_nullable("scale_factor", AttrKind::Number, positive)
        .attr("mode", "nearest", {"nearest", "bilinear", "bicubic"})
        .attr("align_corners", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          const Ints size = size_of_images(shape, attrs);
          const bool images = shape.size() == 4 && shape[1] > 0 && shape[2] > 0 && shape[3] > 0;
          if (!images || (size.size() != 1 && size.size() != 2) ||
              std::any_of(size.begin(), size.end(), [](int64_t n) { return n < 1; })) {
            throw ShapeError(
                text("[interpolate] input is ", in[0].type(), ", size = ", to_string(Attr(size)),
                     "; expected [n, h, w, channels] with pixels and one or two sizes above 0; reshape input"));
          }
          const std::string& mode = attrs.str("mode");
          const bool corners = attrs.flag("align_corners");
          const double factor = attrs.has("scale_factor") ? attrs.number("scale_factor") : 0;
          Tensor y = widened(in[0]);
          y = resampled(y, 1, taps_of(mode, {shape[1], size.front(), factor}, corners));
          y = resampled(y, 2, taps_of(mode, {shape[2], size.back(), factor}, corners));
          return {fn::cast(y, in[0].dtype())};
        })
        .doc(R"(images at another size, by the nearest pixel, or weighted by the two or four next ones along each axis.
Shapes    input [n, h, w, c] -> [n, oh, ow, c]; size is one number or (rows, columns); left out, it is that of input times
          scale_factor, rounded down. With both, scale_factor is how many times as dense the pixels are
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    input without four axes, or with images of no pixel or channel; neither a size nor a scale_factor; a size below 1; another
          mode; a scale_factor of 0 or below
Grad      input
Numerics  with align_corners the corner pixels keep their places, else pixels are areas; nearest rounds down
Source    Keys 1981 with a = -0.75 (bicubic))",
             R"(>>> pt.nn.functional.interpolate(pt.ones((1, 4, 4, 3)), scale_factor=2, mode="bilinear").shape
(1, 8, 8, 3))");

}  // namespace
}  // namespace pt
