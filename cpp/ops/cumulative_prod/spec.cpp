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

// Element i of the gradient is the product of what is before x_i, times s_i = g_i + x_(i+1) s_(i+1): by doubling, after
// k steps each s_i is known from s_(i + 2^k). Nothing is divided, so that zeros are numbers like others, for
// derivatives of it too.
Tensor gradient(const Tensor& x, const Tensor& g, int axis) {
  const Attrs along{{"axis", int64_t{axis}}};
  const int64_t n = x.shape()[axis];
  if (n <= 1) return g;
  const auto join = [&](const Tensor& a, const Tensor& b) { return fn::call("concat", {a, b}, along); };
  Tensor s = g,
         factor = piece(x, axis, 1, n);  // s_i = s[i] + factor[i] s_(i+step); there is no factor of the last ones
  for (int64_t step = 1; step < n; step *= 2) {
    s = join(piece(s, axis, 0, n - step) + factor * piece(s, axis, step, n), piece(s, axis, n - step, n));
    if (2 * step < n) factor = piece(factor, axis, 0, n - 2 * step) * piece(factor, axis, step, n - step);
  }
  Shape first = x.shape();
  first[axis] = 1;
  const Tensor before = fn::call("cumulative_prod", {piece(x, axis, 0, n - 1)}, along);
  return s * join(fn::zeros({x.dtype(), first}) + 1.0, before);
}

const Op* registered =
    running("cumulative_prod")
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
Grad      x; exact with zeros too, for derivatives of any order
Source    the array API standard 2024.12)",
             R"(>>> pt.cumulative_prod(pt.arange(1, 5)).numpy().tolist()
[1, 2, 6, 24])");

const AutocastRule rule("cumulative_prod", Precision::Full);

}  // namespace
}  // namespace pt
