#include "ops/complex.h"

#include "ops/axes.h"
#include "ops/composed.h"

namespace pt {
namespace {

Tensor part(const Tensor& z, int64_t which) {
  const Tensor both = parts_of(z);
  Ints start(static_cast<std::size_t>(both.ndim()), 0), stop = to_ints(both.shape());
  start.back() = which;
  stop.back() = which + 1;
  return fn::reshape(fn::call("slice", {both}, {{"start", start}, {"stop", stop}}), z.shape());
}

Tensors all_parts(const Tensors& in) {
  Tensors parts;
  for (const Tensor& x : in) parts.push_back(parts_of(x));
  return parts;
}

}  // namespace

Tensor parts_of(const Tensor& z) { return fn::call("view_as_real", {z}); }
Tensor joined(const Tensor& parts) { return fn::call("view_as_complex", {parts}); }

Tensor real_part(const Tensor& z) { return is_complex(z.dtype()) ? part(z, 0) : z; }
// Of a real number it depends on that number, though its value does not: so it is made where that number is, also in a
// step.
Tensor imaginary_part(const Tensor& z) {
  if (is_complex(z.dtype())) return part(z, 1);
  const Tensor zero = fn::zeros({z.dtype(), {}});
  return fn::where(fn::equal(z, z), zero, zero);
}

Tensor make_complex(const Tensor& re, const Tensor& im) {
  const Shape shape = broadcast(re.shape(), im.shape(), "complex");
  const Tensors both{fn::broadcast_to(re, shape), fn::broadcast_to(im, shape)};
  return joined(fn::call("stack", both, {{"axis", int64_t{shape.size()}}}));
}

Tensor complex_product(const Tensor& x, const Tensor& y) {
  const Tensor a = real_part(x), b = imaginary_part(x), c = real_part(y), d = imaginary_part(y);
  return make_complex(a * c - b * d, a * d + b * c);
}

// By the ratio of the divisor's parts, the smaller one by the larger one, so that nothing overflows early (Smith 1962).
Tensor complex_quotient(const Tensor& x, const Tensor& y) {
  const Tensor a = real_part(x), b = imaginary_part(x), c = real_part(y), d = imaginary_part(y);
  const Tensor turned = fn::less(fn::abs(c), fn::abs(d));
  const Tensor large = fn::where(turned, d, c), small = fn::where(turned, c, d);
  const Tensor u = fn::where(turned, b, a), v = fn::where(turned, a, b);
  const Tensor nothing = fn::equal(large, fn::number(0)), size = fn::abs(large);
  const Tensor divisor = fn::where(nothing, fn::number(1), large), ratio = small / divisor;
  const Tensor whole = divisor + small * ratio;
  const Tensor re = (u + v * ratio) / whole, im = (v - u * ratio) / whole;
  return make_complex(fn::where(nothing, a / size, re), fn::where(nothing, b / size, fn::where(turned, -im, im)));
}

ComposeFn on_parts(const std::string& op) {
  return
      [op](const Tensors& in, const Attrs& attrs) -> Tensors { return {joined(fn::call(op, all_parts(in), attrs))}; };
}

ComposeFn along_axes(const std::string& op) {
  return [op](const Tensors& in, const Attrs& given) -> Tensors {
    const int ndim = in[0].ndim();
    Attrs attrs = given;
    if (!attrs.has("axis") || std::holds_alternative<Ints>(*attrs.find("axis"))) {
      attrs.set("axis", reduced_axes(given, ndim, op));
    } else {
      attrs.set("axis", int64_t{normal_axis(given.integer("axis"), ndim, op)});
    }
    return {joined(fn::call(op, all_parts(in), attrs))};
  };
}

ComposeFn both_parts(const std::string& op) {
  return [op](const Tensors& in, const Attrs&) -> Tensors {
    Tensors re, im;
    for (const Tensor& z : in) {
      re.push_back(real_part(z));
      im.push_back(imaginary_part(z));
    }
    return {fn::logical_and(fn::call(op, re), fn::call(op, im))};
  };
}

ComposeFn either_part(const std::string& op) {
  return [op](const Tensors& in, const Attrs&) -> Tensors {
    Tensors re, im;
    for (const Tensor& z : in) {
      re.push_back(real_part(z));
      im.push_back(imaginary_part(z));
    }
    return {fn::logical_or(fn::call(op, re), fn::call(op, im))};
  };
}

}  // namespace pt
