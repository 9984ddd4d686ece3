#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/reduction.h"

namespace pt {
namespace {

// Neighbours in pairs, until one is left.
Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  const Ints axes = reduced_axes(attrs, in[0].ndim(), "prod");
  const Shape kept = reduced_shape(in[0].shape(), axes, false);
  Ints order;
  for (int i = 0; i < in[0].ndim(); ++i) {
    if (!contains(axes, i)) order.push_back(i);
  }
  order.insert(order.end(), axes.begin(), axes.end());
  Shape rows = kept;
  rows.push_back(reduced_count(in[0].shape(), axes));
  Tensor x = fn::reshape(fn::transpose(in[0], order), rows);
  const int axis = kept.size();
  if (rows.back() == 0) x = fn::zeros({x.dtype(), reduced_shape(rows, {axis}, true)}) + 1.0;
  while (x.shape().back() > 1) {
    const int64_t n = x.shape().back(), half = n / 2;
    const Tensor pairs = complex_product(piece(x, axis, 0, half), piece(x, axis, half, 2 * half));
    x = n % 2 == 0 ? pairs : fn::call("concat", {pairs, piece(x, axis, n - 1, n)}, {{"axis", int64_t{axis}}});
  }
  return {fn::reshape(x, reduced_shape(in[0].shape(), axes, attrs.flag("keepdims")))};
}

const Op* registered = reduction("prod", ReduceKind::Prod, Takes::Any, ResultType::Sum, false)
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Shape& full = c.in_types[0].shape;
                             const Ints axes = reduced_axes(c.attrs, full.size(), "prod");
                             const Tensor x = c.in[0], zero = fn::number(0), one = fn::number(1);
                             // The product of the others: with one zero only its own place sees them, with two nobody
                             // does.
                             const Tensor is_zero = fn::equal(x, zero);
                             const Tensor zeros = fn::sum(fn::cast(is_zero, x.dtype()), axes, true);
                             const Tensor filled = fn::where(is_zero, one, x);
                             const Tensor rest = fn::call("prod", {filled}, {{"axis", axes}, {"keepdims", true}});
                             const Tensor others =
                                 fn::where(fn::equal(zeros, fn::where(is_zero, one, zero)), rest / filled, zero);
                             return {restore_axes(c.grad[0], full, axes) * others};
                           })
                           .complex(of_complex)
                           .doc(R"(the product over the given axes.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all; integers and bool are multiplied in int64, unsigned integers in uint64, and wrap
Errors    an axis that x does not have
Grad      x; exact with zeros too
Source    the array API standard 2024.12)",
                                R"(>>> pt.prod(pt.full((3,), 2.0)).item()
8.0)");

const AutocastRule rule("prod", Precision::Full);

}  // namespace
}  // namespace pt
