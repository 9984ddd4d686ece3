#include "ops/autocast.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

const Op* registered = define("inv")
                           .in("x", Takes::Float)
                           .shape([](const InferContext& c) -> Types {
                             expect_matrix(c, 0, true);
                             return {c.in[0]};
                           })
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             const int64_t n = in[0].shape().back();
                             const Tensor unit =
                                 fn::broadcast_to(fn::cast(on_diagonal(n), in[0].dtype()), in[0].shape());
                             return {fn::call("solve", {in[0], unit})};
                           })
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Tensor turned = adjoint(c.out[0]);
                             return {-fn::matmul(fn::matmul(turned, c.grad[0]), turned)};
                           })
                           .complex()
                           .doc(R"(the inverse of a matrix. To multiply by it, solve is better.
Shapes    x [..., n, n] -> [..., n, n]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square
Grad      x
Numerics  as solve; infinite or NaN where x is singular
Source    the array API standard 2024.12 (linalg.inv))",
                                R"(>>> pt.linalg.inv(pt.tensor([[2.0, 0.0], [0.0, 4.0]])).numpy().tolist()
[[0.5, 0.0], [0.0, 0.25]])");

const AutocastRule rule("inv", Precision::Full);

}  // namespace
}  // namespace pt
