#include <algorithm>

#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

struct Sides {
  const Ints &before, &after;
};

Sides sides_of(const Tensor& x, const Attrs& attrs) {
  const Sides sides{attrs.ints("before"), attrs.ints("after")};
  const auto axes = static_cast<std::size_t>(x.ndim());
  if (sides.before.size() != axes || sides.after.size() != axes) {
    throw ShapeError(text("[pad] before = ", to_string(Attr(sides.before)), ", after = ", to_string(Attr(sides.after)),
                          ", x is ", x.type(), "; expected a number per axis; pass 0 for the others"));
  }
  return sides;
}

// Which element of an axis stands at place i, counted from its first element.
int64_t source_of(int64_t i, int64_t size, const std::string& mode) {
  if (mode == "replicate") return std::clamp<int64_t>(i, 0, size - 1);
  if (mode == "circular") return i < 0 ? i + size : i >= size ? i - size : i;
  return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
}

Tensor continued(const Tensor& x, int axis, int64_t before, int64_t after, const std::string& mode) {
  const int64_t size = x.shape()[axis], wanted = std::max(before, after);
  const int64_t most = mode == "reflect" ? size - 1 : mode == "circular" || size == 0 ? size : wanted;
  if (wanted > most) {
    throw ShapeError(text("[pad] mode = \"", mode, "\", ", before, " before and ", after, " behind axis ", axis,
                          " of x, which is ", x.type(), "; expected at most ", std::max<int64_t>(most, 0),
                          "; pad less, or in two steps"));
  }
  const Tensor index = Tensor::empty({DType::I64, {before + size + after}});
  auto* places = reinterpret_cast<int64_t*>(index.host());
  for (int64_t i = -before; i < size + after; ++i) *places++ = source_of(i, size, mode);
  return fn::call("take", {x, index}, {{"axis", int64_t{axis}}});
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const auto [before, after] = sides_of(in[0], attrs);
  const std::string& mode = attrs.str("mode");
  if (mode == "constant") {
    Ints wide = to_ints(in[0].shape());
    for (std::size_t i = 0; i < wide.size(); ++i) wide[i] += before[i] + after[i];
    const Attrs place{
        {"shape", wide}, {"start", before}, {"step", Ints(wide.size(), 1)}, {"value", attrs.number("value")}};
    return {fn::call("slice_scatter", {in[0]}, place)};
  }
  Tensor y = in[0];
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] + after[i] > 0) y = continued(y, static_cast<int>(i), before[i], after[i], mode);
  }
  return {y};
}

const Op* registered =
    define("pad")
        .in("x")
        .attr_counts("before", 0)
        .attr_counts("after", 0)
        .attr("value", 0.0)
        .attr("mode", "constant", {"constant", "reflect", "replicate", "circular"})
        .compose(definition)
        .complex()
        .doc(
            R"(x with before[i] elements more in front of axis i and after[i] behind: a value, or x itself as the mode goes on.
Shapes    x [n, ...] -> [before + n + after, ...]
Dtypes    all
Errors    not one number per axis; a negative number; more than n - 1 with "reflect", more than n with "circular"
Grad      x
Numerics  "reflect" mirrors at the first and last element without repeating it, "replicate" repeats it, "circular" goes
          on with the other end
Source    NumPy, pad)",
            R"(>>> pt.ops.functional.OPERATORS["pad"](pt.ones(2), (1,), (2,)).numpy().tolist()
[0.0, 1.0, 1.0, 0.0, 0.0])");

}  // namespace
}  // namespace pt
