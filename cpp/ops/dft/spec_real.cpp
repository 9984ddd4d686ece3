// Transforms of real numbers: half of the sums of `dft` says all.
#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

bool of_parts(DType dtype) { return dtype == DType::F32 || dtype == DType::F64; }

// Each sum of a half but the first, and the last of an even n, stands for its conjugate too: x times a number there.
Tensor inner_times(const Tensor& x, double number, int64_t n) {
  const Tensor at = fn::reshape(counting(n / 2 + 1, DType::F64), {n / 2 + 1, 1});
  const Tensor inner =
      fn::call("logical_and", {fn::less(fn::number(0), at), fn::less(at * 2.0, fn::number(double(n)))});
  return x * fn::cast(fn::where(inner, fn::number(number), fn::number(1)), x.dtype());
}

const Op* from_real =
    define("real_dft")
        .in("x", Takes::Float)
        .attr("scale", 1.0)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          const TensorType& x = c.in[0];
          Shape shape = x.shape;
          c.expect(of_parts(x.dtype) && !shape.empty() && shape.back() > 0,
                   text("x is ", x, "; expected f32 or f64 [..., n] with n above 0; cast or reshape it"));
          shape[shape.size() - 1] = shape.back() / 2 + 1;
          shape.push_back(2);
          return {{x.dtype, shape}};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          const int64_t n = c.in_types[0].shape.back();
          return {fn::call("real_dft_inverse", {inner_times(c.grad[0], 0.5, n)},
                           {{"n", n}, {"scale", c.attrs.number("scale")}})};
        })
        .doc(
            R"(the first n // 2 + 1 sums of dft of real x, as parts, times scale; the others are their conjugates.
Shapes    x [..., n] -> [..., n // 2 + 1, 2]
Dtypes    f32, f64; computed in f64, rounded once
Errors    n of 0; other dtypes
Grad      x
Numerics  an even n as n / 2 complex numbers; otherwise as dft
Source    that of dft)",
            R"(>>> pt.ops.functional.OPERATORS["real_dft"](pt.asarray([1.0, 2.0, 0.0])).shape
(2, 2))");

const Op* to_real =
    define("real_dft_inverse")
        .in("x", Takes::Float)
        .attr_count("n", 1)
        .attr("scale", 1.0)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          const TensorType& x = c.in[0];
          const Shape& s = x.shape;
          const int64_t n = c.attrs.integer("n");
          c.expect(of_parts(x.dtype) && s.size() >= 2 && s.back() == 2 && s[s.size() - 2] == n / 2 + 1,
                   text("x is ", x, ", n = ", n,
                        "; expected f32 or f64 [..., n // 2 + 1, 2] with n above 0; cut x or pad it"));
          Shape shape = s;
          shape.erase(shape.size() - 1);
          shape[shape.size() - 1] = n;
          return {{x.dtype, shape}};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          const int64_t n = c.attrs.integer("n");
          const Tensor made = fn::call("real_dft", {c.grad[0]}, {{"scale", c.attrs.number("scale")}});
          return {inner_times(made, 2.0, n)};
        })
        .doc(
            R"(n real numbers from the first n // 2 + 1 sums of their dft, as parts, times scale; n times those of before.
The imaginary part of the first, and of the last for an even n, counts for nothing.
Shapes    x [..., n // 2 + 1, 2] -> [..., n]
Dtypes    f32, f64; computed in f64, rounded once
Errors    another n; other dtypes
Grad      x
Numerics  an even n as n / 2 complex numbers; otherwise as dft
Source    that of dft)",
            R"(>>> pt.ops.functional.OPERATORS["real_dft_inverse"](pt.asarray([[3.0, 0.0], [1.0, 0.0]]), n=2).numpy().tolist()
[4.0, 2.0])");

}  // namespace
}  // namespace pt
