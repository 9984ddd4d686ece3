#include "ops/pooling_axes.h"

#include "ops/functional.h"

namespace pt {
namespace {

Ints numbers_of(const Attrs& attrs, const char* name, int axes, const std::string& op) {
  Ints numbers = attrs.ints(name);
  if (numbers.size() == 1) numbers.resize(static_cast<std::size_t>(axes), numbers[0]);
  if (numbers.size() != static_cast<std::size_t>(axes)) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(attrs.ints(name))), "; expected one number",
                          axes > 1 ? " or three" : "", "; pass it alone"));
  }
  return numbers;
}

struct Windows {
  Ints window, stride, padding, dilation;  // no dilation of averages
};

// Pools two neighbouring axes, of which x has been made an image.
Tensor pooled(const Tensor& image, const Windows& w, std::size_t first, std::size_t second, const Attrs& attrs,
              const std::string& image_op) {
  const auto pair = [&](const Ints& numbers, int64_t none) {
    return Ints{first < numbers.size() ? numbers[first] : none, second < numbers.size() ? numbers[second] : none};
  };
  Attrs given{{"kernel_size", pair(w.window, 1)},
              {"stride", pair(w.stride, 1)},
              {"padding", pair(w.padding, 0)},
              {"ceil_mode", attrs.flag("ceil_mode")}};
  if (!w.dilation.empty()) given.set("dilation", pair(w.dilation, 1));
  if (attrs.find("count_include_pad")) given.set("count_include_pad", attrs.flag("count_include_pad"));
  return fn::call(image_op, {image}, given);
}

constexpr std::size_t kNone = 99;

Tensor sequence(const Tensor& x, const Windows& w, const Attrs& attrs, const std::string& op) {
  const Shape& s = x.shape();
  const Tensor y = pooled(fn::reshape(x, {s[0], 1, s[1], s[2]}), w, kNone, 0, attrs, op);
  return fn::reshape(y, {s[0], y.shape()[2], s[2]});
}

// Rows and columns of every slice, then the slices: a window of a volume is a box.
Tensor volume(const Tensor& x, const Windows& w, const Attrs& attrs, const std::string& op) {
  const Shape& s = x.shape();
  const Tensor flat = pooled(fn::reshape(x, {s[0] * s[1], s[2], s[3], s[4]}), w, 1, 2, attrs, op);
  const int64_t rows = flat.shape()[1], columns = flat.shape()[2];
  const Tensor deep = pooled(fn::reshape(flat, {s[0], s[1], rows * columns, s[4]}), w, 0, kNone, attrs, op);
  return fn::reshape(deep, {s[0], deep.shape()[1], rows, columns, s[4]});
}

}  // namespace

OpBuilder pooling_of_axes(const std::string& name, const std::string& image_op, int axes, bool averages) {
  OpBuilder op = define(name);
  op.in("input", Takes::Float)
      .attr_counts("kernel_size", 1)
      .attr_counts("stride", 1, std::nullopt, true)
      .attr_counts("padding", 0, Ints{0});
  if (!averages) op.attr_counts("dilation", 1, Ints{1});
  op.attr("ceil_mode", false);
  if (averages) op.attr("count_include_pad", true);
  op.compose([name, image_op, axes](const Tensors& in, const Attrs& attrs) -> Tensors {
    if (in[0].ndim() != axes + 2) {
      throw ShapeError(text("[", name, "] input is ", in[0].type(), "; expected [n, ", axes == 1 ? "t" : "d, h, w",
                            ", channels]; reshape input"));
    }
    const Windows windows{numbers_of(attrs, "kernel_size", axes, name),
                          numbers_of(attrs, attrs.has("stride") ? "stride" : "kernel_size", axes, name),
                          numbers_of(attrs, "padding", axes, name),
                          attrs.find("dilation") ? numbers_of(attrs, "dilation", axes, name) : Ints{}};
    return {(axes == 1 ? sequence : volume)(in[0], windows, attrs, image_op)};
  });
  return op;
}

}  // namespace pt
