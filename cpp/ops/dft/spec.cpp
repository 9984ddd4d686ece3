#include "ops/batching.h"
#include "ops/complex.h"

namespace pt {
namespace {

const Op* registered =
    define("dft")
        .in("x", Takes::Float)
        .attr("inverse", false)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          const TensorType& x = c.in[0];
          const Shape& shape = x.shape;
          c.expect((x.dtype == DType::F32 || x.dtype == DType::F64) && shape.size() >= 2 && shape.back() == 2 &&
                       shape[shape.size() - 2] > 0,
                   text("x is ", x, "; expected f32 or f64 [..., n, 2] with n above 0; make it with view_as_real"));
          return {x};
        })
        .complex([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {joined(fn::call("dft", {parts_of(in[0])}, attrs))};
        })
        .saves({false})
        // The matrix is symmetric: its transposed conjugate is the other sign.
        .vjp([](const VjpContext& c) -> Tensors {
          return {fn::call("dft", {c.grad[0]}, {{"inverse", !c.attrs.flag("inverse")}})};
        })
        .doc(
            R"(the sums of x_k e^(-2 pi i j k / n) over the last axis of complex x, for each j; with inverse, of e^(+2 pi i j
k / n). Nothing is divided by n: powertrain.fft has the transforms with their norms.
Shapes    x [..., n] -> [..., n]; of real x [..., n, 2], the parts, -> [..., n, 2]
Dtypes    complex64, complex128, or their parts as float32 and float64; computed in float64, rounded once
Errors    n of 0; other dtypes
Grad      x
Numerics  steps of 2, 3, 4, 5 and primes to 31; other lengths by a convolution (Bluestein 1970)
Source    Stockham 1966)",
            R"(>>> pt.ops.functional.OPERATORS["dft"](pt.asarray([1.0, 1j])).numpy().tolist()
[(1+1j), (1-1j)])");

}  // namespace
}  // namespace pt
