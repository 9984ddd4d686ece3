#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// A vector as the diagonal of a square matrix of zeros: each element begins a row of n + 1, and the rows follow each
// other without a gap.
Tensor as_matrix(const Tensor& x, int64_t offset) {
  const int64_t n = x.shape()[0], before = offset > 0 ? offset : 0, above = offset < 0 ? -offset : 0;
  const int64_t size = n + before + above;
  if (n == 0) return fn::zeros({x.dtype(), {size, size}});
  const int64_t first = above * size + before;
  return fn::reshape(
      fn::call("slice_scatter", {x}, {{"shape", Ints{size * size}}, {"start", Ints{first}}, {"step", Ints{size + 1}}}),
      {size, size});
}

const Op* registered =
    define("diag")
        .in("x")
        .attr("k", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int ndim = in[0].ndim();
          if (ndim == 1) return {as_matrix(in[0], attrs.integer("k"))};
          if (ndim == 2) return {fn::call("diagonal", {in[0]}, {{"offset", attrs.integer("k")}})};
          throw ShapeError(
              text("[diag] x is ", in[0].type(), "; expected a vector or a matrix; use diagonal for many matrices"));
        })
        .complex()
        .doc(R"(a vector as the diagonal of a matrix of zeros, or the diagonal of a matrix; k columns to the right.
Shapes    x [n] -> [n + |k|, n + |k|]; x [m, n] -> [length of the diagonal]
Dtypes    all
Errors    neither one axis nor two
Grad      x
Source    NumPy, diag)",
             R"(>>> pt.diag(pt.tensor([1, 2])).numpy().tolist()
[[1, 0], [0, 2]])");

}  // namespace
}  // namespace pt
