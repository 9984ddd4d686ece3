#include "ops/autocast.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

// The gradient is that of the cofactors, det(x) inv(x)^T, which are polynomials of the elements: where x is singular
// they are those of a matrix beside it, to so many digits. The matrix that is added is constant and of full rank, with
// no pattern that x could share.
Tensor regular(const Tensor& x, const Tensor& singular) {
  const DType dtype = real_dtype(x.dtype());
  const int64_t n = x.shape().back();
  const Tensor column = fn::cast(counting(n, DType::I64), dtype), row = fn::reshape(column, {n, 1});
  const Tensor pattern = fn::call("cos", {row * column + row + 2.0 * column + 1.0});
  const Tensor largest = fn::max(fn::call("abs", {x}), {-2, -1}, true);
  const Tensor scale = fn::where(fn::equal(largest, fn::number(0)), fn::number(1), largest);
  const double step = dtype == DType::F64 ? 0x1p-27 : 0x1p-20;
  return x + fn::call("stop_gradient", {fn::where(singular, step * scale * pattern, fn::number(0))});
}

const Op* registered =
    define("det")
        .in("x", Takes::Float)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          return {{c.in[0].dtype, with_last(c.in[0].shape, 2, {})}};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensors factors = apply(find_op("lu"), in);
          return {factors[2] * fn::call("prod", {fn::call("diagonal", {factors[0]})}, {{"axis", Ints{-1}}})};
        })
        .saves({true}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          if (count(c.in_types[0].shape) == 0) return {fn::zeros(c.in_types[0])};
          const Shape one = with_last(c.in_types[0].shape, 2, {1, 1});
          const Tensor singular = fn::equal(c.out[0], fn::number(0));
          const Tensor x = regular(c.in[0], fn::reshape(singular, one));
          const Tensor det = fn::where(singular, fn::call("det", {x}), c.out[0]);
          return {fn::reshape(c.grad[0] * conjugate(det), one) * adjoint(fn::call("inv", {x}))};
        })
        .complex()
        .doc(R"(the determinant of a matrix.
Shapes    x [..., n, n] -> [...]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square
Grad      x; where x is singular, with an error of 1e-6 (f32) or 1e-8 (f64) of max|x|^(n - 1)
Numerics  the product of the pivots of lu, which overflows early: see slogdet
Source    the array API standard 2024.12 (linalg.det))",
             R"(>>> pt.linalg.det(pt.tensor([[1.0, 2.0], [3.0, 4.0]])).item()
-2.0)");

const AutocastRule rule("det", Precision::Full);

}  // namespace
}  // namespace pt
