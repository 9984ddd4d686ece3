#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/pieces.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

// By doubling: after k steps each element has the product of 2^k of them.
Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  const int axis = running_axis(attrs, in[0].shape(), "cumulative_prod");
  const Attrs along{{"axis", int64_t{axis}}};
  const bool reverse = attrs.flag("reverse");
  const auto turned = [&](const Tensor& x) { return reverse ? fn::call("flip", {x}, {{"axis", Ints{axis}}}) : x; };
  Tensor x = turned(in[0]);
  const int64_t n = x.shape()[axis];
  for (int64_t step = 1; step < n; step *= 2) {
    const Tensor later = complex_product(piece(x, axis, step, n), piece(x, axis, 0, n - step));
    x = fn::call("concat", {piece(x, axis, 0, step), later}, along);
  }
  if (attrs.flag("include_initial")) {
    Shape first = x.shape();
    first[axis] = 1;
    x = fn::call("concat", {fn::zeros({x.dtype(), first}) + 1.0, x}, along);
  }
  return {turned(x)};
}

// Before the first zero the sum of what follows is divided by the element; towards the first zero itself the product of
// the others counts; behind it nothing moves the result.
Tensor gradient(const Tensor& x, const Tensor& g, int axis) {
  const Attrs along{{"axis", int64_t{axis}}};
  const auto running_product = [&](const Tensor& t) { return fn::call("cumulative_prod", {t}, along); };
  const Tensor zero = fn::number(0), one = fn::number(1), is_zero = fn::equal(x, zero);
  const Tensor zeros = fn::call("cumulative_sum", {is_zero}, along);
  const Tensor none_yet = fn::equal(zeros, zero);
  const Tensor first = fn::call("logical_and", {is_zero, fn::equal(zeros, one)});
  const Tensor before = sum_from_end(g * running_product(x), axis) / fn::where(is_zero, one, x);
  const Tensor at = sum_from_end(g * running_product(fn::where(first, one, x)), axis);
  return fn::where(none_yet, before, fn::where(first, at, zero));
}

const Op* registered =
    running("cumulative_prod", ScanKind::Prod)
        .vjp([](const VjpContext& c) -> Tensors {
          const int axis = running_axis(c.attrs, c.in_types[0].shape, "cumulative_prod");
          Tensor x = widened(c.in[0]), g = widened(without_initial(c.grad[0], c.attrs, axis));
          const Attrs around{{"axis", Ints{axis}}};
          const bool reverse = c.attrs.flag("reverse");
          if (reverse) x = fn::call("flip", {x}, around), g = fn::call("flip", {g}, around);
          const Tensor dx = gradient(x, g, axis);
          return {fn::cast(reverse ? fn::call("flip", {dx}, around) : dx, c.in_types[0].dtype)};
        })
        .complex(of_complex)
        .doc(R"(the product of each element and those before it along an axis; those behind it with reverse.
Shapes    x [..., n, ...] -> [..., n, ...], or n + 1 and a 1 first with include_initial; axis may be None for one axis
Dtypes    all; integers and bool are multiplied in int64, unsigned integers in uint64, and wrap; floats
          accumulate in float64, each result rounded once
Errors    an axis that x does not have; None for several; include_initial together with reverse
Grad      x; exact with zeros too
Source    the array API standard 2024.12)",
             R"(>>> pt.cumulative_prod(pt.arange(1, 5)).numpy().tolist()
[1, 2, 6, 24])");

const AutocastRule rule("cumulative_prod", Precision::Full);

}  // namespace
}  // namespace pt
