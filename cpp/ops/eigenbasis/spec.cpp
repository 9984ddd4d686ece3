#include "ops/factor/plan.h"

namespace pt {
namespace {

const Op* registered =
    define("eigenbasis")
        .in("x", Takes::Float)
        .in("basis", Takes::Float)
        .in_index("due")
        .outputs(2)
        .contiguous()
        .no_gradient()
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          c.expect(c.in[1] == c.in[0] && c.in[2] == TensorType{DType::I64, {}},
                   text("x is ", c.in[0], ", basis is ", c.in[1], ", due is ", c.in[2],
                        "; expected a basis as x is, and one int64; check the call"));
          return {c.in[0], {DType::I64, with_last(c.in[0].shape, 1, {})}};
        })
        .doc(R"(an orthonormal basis that follows the eigenvectors of a symmetric matrix, and the order of its columns.
Shapes    x [..., n, n], basis [..., n, n], due [] -> [..., n, n], int64 [..., n]
Dtypes    f32, f64
Errors    shapes that differ
Grad      none
Numerics  due 0 keeps the basis, at the cost of a copy; 1 gives eigenvectors by falling eigenvalue; 2 sorts the columns
          by their Rayleigh quotients, multiplies by x and orthonormalises
Source    Golub & Van Loan, algorithm 8.2.1; Vyas et al. 2024)");

}  // namespace
}  // namespace pt
