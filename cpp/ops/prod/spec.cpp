#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/reduction.h"

namespace pt {
namespace {

// The order of axes in which the reduced ones come last.
Ints reduced_last(const Ints& axes, int ndim) {
  Ints order;
  for (int i = 0; i < ndim; ++i) {
    if (!contains(axes, i)) order.push_back(i);
  }
  order.insert(order.end(), axes.begin(), axes.end());
  return order;
}

// What is multiplied, along a last axis.
Tensor in_rows(const Tensor& x, const Ints& axes) {
  Shape rows = reduced_shape(x.shape(), axes, false);
  rows.push_back(reduced_count(x.shape(), axes));
  return fn::reshape(fn::transpose(x, reduced_last(axes, x.ndim())), rows);
}

// Neighbours in pairs, until one is left.
Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  const Ints axes = reduced_axes(attrs, in[0].ndim(), "prod");
  Tensor x = in_rows(in[0], axes);
  const int axis = x.ndim() - 1;
  if (x.shape().back() == 0) x = fn::zeros({x.dtype(), reduced_shape(x.shape(), {axis}, true)}) + 1.0;
  while (x.shape().back() > 1) {
    const int64_t n = x.shape().back(), half = n / 2;
    const Tensor pairs = complex_product(piece(x, axis, 0, half), piece(x, axis, half, 2 * half));
    x = n % 2 == 0 ? pairs : fn::call("concat", {pairs, piece(x, axis, n - 1, n)}, {{"axis", int64_t{axis}}});
  }
  return {fn::reshape(x, reduced_shape(in[0].shape(), axes, attrs.flag("keepdims")))};
}

// The gradient of the product of each row [..., n], from one number for each row [..., 1]: up a tree of products of
// halves, and down again. Nothing is divided, so that zeros are numbers like others, for derivatives of it too.
Tensor down_the_tree(const Tensor& x, const Tensor& g) {
  const int axis = x.ndim() - 1;
  const Attrs along{{"axis", int64_t{axis}}};
  const int64_t n = x.shape().back(), half = n / 2;
  if (n == 1) return g;
  const Tensor left = piece(x, axis, 0, half), right = piece(x, axis, half, 2 * half), products = left * right;
  if (n % 2 == 0) {
    const Tensor share = down_the_tree(products, g);
    return fn::call("concat", {share * right, share * left}, along);
  }
  const Tensor last = piece(x, axis, n - 1, n);
  const Tensor shares = down_the_tree(fn::call("concat", {products, last}, along), g);
  const Tensor share = piece(shares, axis, 0, half);
  return fn::call("concat", {share * right, share * left, piece(shares, axis, half, half + 1)}, along);
}

Tensors gradient(const VjpContext& c) {
  if (c.in[0].size() == 0) return {fn::zeros(c.in_types[0])};
  const Shape& full = c.in_types[0].shape;
  const Ints axes = reduced_axes(c.attrs, full.size(), "prod");
  Shape each = reduced_shape(full, axes, false);
  each.push_back(1);
  const Tensor rows = down_the_tree(in_rows(widened(c.in[0]), axes), fn::reshape(widened(c.grad[0]), each));
  const Ints order = reduced_last(axes, full.size());
  Shape moved;
  Ints back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    moved.push_back(full[static_cast<int>(order[i])]);
    back[static_cast<std::size_t>(order[i])] = static_cast<int64_t>(i);
  }
  return {fn::cast(fn::transpose(fn::reshape(rows, moved), back), c.in_types[0].dtype)};
}

const Op* registered = reduction("prod", Takes::Any, ResultType::Sum, false)
                           .vjp(gradient)
                           .complex(of_complex)
                           .doc(R"(the product over the given axes.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all; integers and bool are multiplied in int64, unsigned integers in uint64, and wrap
Errors    an axis that x does not have
Grad      x; exact with zeros too, for derivatives of any order
Source    the array API standard 2024.12)",
                                R"(>>> pt.prod(pt.full((3,), 2.0)).item()
8.0)");

const AutocastRule rule("prod", Precision::Full);

}  // namespace
}  // namespace pt
