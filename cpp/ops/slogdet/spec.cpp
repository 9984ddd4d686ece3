#include "ops/autocast.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

const Op* registered =
    define("slogdet")
        .in("x", Takes::Float)
        .outputs(2)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          const Shape shape = with_last(c.in[0].shape, 2, {});
          return {{c.in[0].dtype, shape}, {real_dtype(c.in[0].dtype), shape}};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensors factors = apply(find_op("lu"), in);
          const Tensor pivots = fn::call("diagonal", {factors[0]});
          const Tensor sign = factors[2] * fn::call("prod", {fn::call("sign", {pivots})}, {{"axis", Ints{-1}}});
          return {sign, fn::sum(fn::log(fn::call("abs", {pivots})), {-1}, false)};
        })
        .saves({true}, {true, false})
        .vjp([](const VjpContext& c) -> Tensors {
          Tensor by = c.grad[1];
          // The logarithm's imaginary part is the angle of the sign.
          if (is_complex(c.in_types[0].dtype) && c.grad[0].defined()) {
            if (!by.defined()) by = fn::zeros(c.out_types[1]);
            by = make_complex(by, imaginary_part(conjugate(c.out[0]) * c.grad[0]));
          }
          if (!by.defined()) return {fn::zeros(c.in_types[0])};
          const Shape one = with_last(c.in_types[0].shape, 2, {1, 1});
          return {fn::reshape(by, one) * adjoint(fn::call("inv", {c.in[0]}))};
        })
        .complex()
        .doc(R"(the sign of the determinant and the logarithm of its magnitude, which do not overflow.
Shapes    x [..., n, n] -> [...], real [...]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square
Grad      x, through the logarithm; of complex matrices through the sign too
Numerics  by lu; the sign of a complex determinant is that number over its magnitude; 0 and -inf where x is singular
Source    the array API standard 2024.12 (linalg.slogdet))",
             R"(>>> [t.item() for t in pt.linalg.slogdet(pt.tensor([[0.0, 1.0], [1.0, 0.0]]))]
[-1.0, 0.0])");

const AutocastRule rule("slogdet", Precision::Full);

}  // namespace
}  // namespace pt
