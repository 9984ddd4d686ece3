#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/elementwise.h"

namespace pt {
namespace {

Tensor of_floats(const Tensor& a, const Tensor& b) {
  return fn::copysign(fn::call("remainder", {fn::abs(a), fn::abs(b)}), a);
}

// From the remainder with the sign of b, since the magnitude of the smallest integer is none.
Tensor of_integers(const Tensor& a, const Tensor& b) {
  const Tensor zero = fn::number(0), r = fn::call("remainder", {a, b});
  const Tensor crossed = fn::call("not_equal", {fn::less(r, zero), fn::less(a, zero)});
  return fn::where(fn::logical_and(fn::call("not_equal", {r, zero}), crossed), r - b, r);
}

const Op* registered =
    define("fmod")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .shape(infer_elementwise)
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          if (!is_float(in[0].dtype())) return {of_integers(in[0], in[1])};
          return {fn::cast(of_floats(widened(in[0]), widened(in[1])), in[0].dtype())};
        })
        .saves({true, true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor a = widened(c.in[0]), b = widened(c.in[1]), g = widened(c.grad[0]);
          const auto towards = [&](const Tensor& gradient, int i) {
            return fn::cast(unbroadcast(gradient, c.in_types[i].shape), c.in_types[i].dtype);
          };
          return {c.needs[0] ? towards(g, 0) : Tensor(),
                  c.needs[1] ? towards(-(g * fn::call("trunc", {a / b})), 1) : Tensor()};
        })
        .doc(R"(the remainder of a by b with the sign of a, element by element, exactly. remainder takes the sign of b.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers; an integer remainder by 0 is 0
Errors    shapes that do not broadcast
Grad      a, b
Source    NumPy, fmod)",
             R"(>>> pt.fmod(-7.0, 3.0).item()
-1.0)");

}  // namespace
}  // namespace pt
