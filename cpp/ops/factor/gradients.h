// What gradients of factorisations are written in: by dL/dRe + i dL/dIm (ops/complex.h), the gradient of a product by a
// complex matrix is one by its conjugate transpose. Of real matrices nothing is conjugated.
#pragma once
#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/factor/plan.h"
#include "ops/pieces.h"

namespace pt {

inline DType real_dtype(DType dtype) { return is_complex(dtype) ? part_dtype(dtype) : dtype; }

inline Tensor conjugate(const Tensor& x) { return is_complex(x.dtype()) ? fn::call("conj", {x}) : x; }
inline Tensor adjoint(const Tensor& x) { return swap_last(conjugate(x)); }
inline Tensor below_diagonal(const Tensor& x) { return fn::call("tril", {x}, {{"k", int64_t{-1}}}); }

inline Tensor as_row(const Tensor& x) { return fn::reshape(x, with_last(x.shape(), 1, {1, x.shape().back()})); }
inline Tensor as_column(const Tensor& x) { return fn::reshape(x, with_last(x.shape(), 0, {1})); }

// Where the row and the column of an n by n matrix are the same.
inline Tensor on_diagonal(int64_t n) {
  return fn::equal(fn::reshape(counting(n, DType::I64), {n, 1}), counting(n, DType::I64));
}

// Square matrices with the real parts of their diagonals.
inline Tensor with_real_diagonal(const Tensor& x) {
  if (!is_complex(x.dtype())) return x;
  const Tensor im = fn::where(on_diagonal(x.shape().back()), fn::number(0), imaginary_part(x));
  return make_complex(real_part(x), im);
}

// 1 / (values_j - values_i) at row i and column j, 0 on the diagonal.
inline Tensor inverse_gaps(const Tensor& values) {
  const Tensor same = on_diagonal(values.shape().back()), apart = as_row(values) - as_column(values);
  return fn::where(same, fn::number(0), fn::divide(fn::number(1), fn::where(same, fn::number(1), apart)));
}

// Of complex columns v with a gradient g: how the result grows as each column turns by e^(i phase), [..., 1, n].
inline Tensor by_phase(const Tensor& v, const Tensor& g) {
  return fn::sum(imaginary_part(conjugate(v) * g), {-2}, true);
}

// Each complex column has its largest component real and positive, by a phase that follows what moves this component.
// The gradient g of columns with a phase of their own, where `turning` is that of the phase.
inline Tensor with_followed_phase(const Tensor& v, const Tensor& g, const Tensor& turning) {
  if (v.size() == 0) return g;  // nothing has no largest component
  const Tensor re = real_part(v), largest = fn::max(re, {-2}, true);
  const int64_t rows = re.shape()[re.ndim() - 2];
  const Tensor there = fn::equal(fn::reshape(counting(rows, DType::I64), {rows, 1}), fn::argmax(re, -2, true));
  const Tensor im = imaginary_part(g) - fn::where(there, turning / largest, fn::number(0));
  return make_complex(real_part(g), im);
}

}  // namespace pt
