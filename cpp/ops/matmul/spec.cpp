#include <algorithm>

#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), c = real_part(in[1]), d = imaginary_part(in[1]);
  return {make_complex(fn::matmul(a, c) - fn::matmul(b, d), fn::matmul(a, d) + fn::matmul(b, c))};
}

Shape leading(const Shape& shape) {
  Shape result;
  for (int i = 0; i + 2 < shape.size(); ++i) result.push_back(shape[i]);
  return result;
}

Types infer(const InferContext& c) {
  const Shape &a = c.in[0].shape, &b = c.in[1].shape;
  c.expect(!a.empty() && !b.empty(),
           text("a is ", c.in[0], ", b is ", c.in[1], "; both must have at least one axis; multiply scalars with *"));
  const int64_t k = b.size() == 1 ? b[0] : b[b.size() - 2];
  c.expect(a.back() == k, text("a is ", c.in[0], ", b is ", c.in[1], "; a's last axis (", a.back(), ") must equal b's ",
                               b.size() > 2 ? "second to last" : "first", " (", k, "); transpose ",
                               b.size() > 1 ? "b" : "a", " or slice a"));
  Shape shape = broadcast(leading(a), leading(b), c.op.name);
  if (a.size() > 1) shape.push_back(a[a.size() - 2]);
  if (b.size() > 1) shape.push_back(b.back());
  return {{c.in[0].dtype, shape}};
}

// All axes but the last as rows.
Tensor as_rows(const Tensor& x) {
  const int64_t columns = x.shape().back();
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.ndim(); ++i) rows *= x.shape()[i];
  return fn::reshape(x, {rows, columns});
}

Shape with_axis(Shape shape, int at) {
  shape.insert(at, 1);
  return shape;
}

// Of operands with at least two axes each.
Tensors matrix_gradient(const Tensor& a, const Tensor& b, const Tensor& g, std::span<const bool> needs,
                        const Attrs& attrs) {
  const auto product = [&](const Tensor& x, const Tensor& y) { return fn::call("matmul", {x, y}, attrs); };
  Tensor da, db;
  if (needs[0]) da = unbroadcast(product(g, swap_last(b)), a.shape());
  if (needs[1]) {
    // One matrix for all leading axes of a: they are rows of a single product, not products to be summed.
    const bool rows = b.ndim() == 2;
    db = rows ? product(swap_last(as_rows(a)), as_rows(g)) : unbroadcast(product(swap_last(a), g), b.shape());
  }
  return {da, db};
}

Tensors gradient(const VjpContext& c) {
  Tensor a = c.in[0], b = c.in[1], g = c.grad[0];
  const Shape a_shape = a.shape(), b_shape = b.shape();
  if (a_shape.size() == 1) {
    g = fn::reshape(g, with_axis(g.shape(), g.ndim() - (b_shape.size() > 1 ? 1 : 0)));
    a = fn::reshape(a, with_axis(a_shape, 0));
  }
  if (b_shape.size() == 1) {
    g = fn::reshape(g, with_axis(g.shape(), g.ndim()));
    b = fn::reshape(b, with_axis(b_shape, 1));
  }
  Tensors result = matrix_gradient(a, b, g, c.needs, c.attrs);
  if (result[0].defined()) result[0] = fn::reshape(result[0], a_shape);
  if (result[1].defined()) result[1] = fn::reshape(result[1], b_shape);
  return result;
}

// An operand as a matrix in every row, whose leading axes come behind the rows.
Tensor matrix_in_rows(const BatchContext& c, std::size_t i, int leading_axes) {
  const bool in = c.batched[i];
  Shape shape = c.in[i].shape();
  if (shape.size() - in == 1) shape.insert(i == 0 ? in : shape.size(), 1);
  for (int missing = leading_axes + 2 - (shape.size() - in); in && missing > 0; --missing) shape.insert(1, 1);
  return fn::reshape(c.in[i], shape);
}

Tensors batch_products(const BatchContext& c) {
  const int a = c.in[0].ndim() - c.batched[0], b = c.in[1].ndim() - c.batched[1];
  const int leading_axes = std::max({a - 2, b - 2, 0});
  const Tensor product =
      fn::call("matmul", {matrix_in_rows(c, 0, leading_axes), matrix_in_rows(c, 1, leading_axes)}, c.attrs);
  return {fn::reshape(product, in_rows(c.rows, c.types[0].shape))};
}

const Op* registered = define("matmul")
                           .in("a", Takes::Float)
                           .in("b", Takes::Float)
                           .attr("dots", "exact", {"exact", "hardware"})
                           .batch(batch_products)
                           .shape(infer)
                           .vjp(gradient)
                           .complex(of_complex)
                           .doc(R"(the matrix product a b; with more axes, one product per index of the leading ones.
Shapes    a [..., m, k], b [..., k, n] -> [..., m, n], leading axes broadcast; an operand of one axis is a row on the
          left, a column on the right, and its axis is missing from the result
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    k differs; leading axes that do not broadcast; an operand without axes
Grad      a, b
Numerics  fused multiply-adds in blocks of 256 along k, the same for every layout and instruction set; with
          dots="hardware", a product of bf16 takes the processor's own instruction where it has one (docs/numerics.md)
Source    the array API standard 2024.12)",
                                R"(>>> pt.matmul(pt.ones((2, 3)), pt.ones((3, 4))).numpy()[0].tolist()
[3.0, 3.0, 3.0, 3.0])");

const AutocastRule rule("matmul", Precision::Low);

}  // namespace
}  // namespace pt
