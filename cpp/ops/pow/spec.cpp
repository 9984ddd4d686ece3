#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

// By the logarithm; a base of 0 has none.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor zero = fn::zeros({in[0].dtype(), {}}), one = zero + 1.0;
  const Tensor nothing = fn::equal(in[0], zero), power = fn::exp(in[1] * fn::log(fn::where(nothing, one, in[0])));
  // There only the powers 0 and 1 have a derivative other than 0, or none.
  const Tensor whole = fn::where(fn::equal(in[1], zero), one, fn::where(fn::equal(in[1], one), in[0], zero));
  return {fn::where(nothing, whole, power)};
}

const Op* registered =
    define("pow")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .elementwise()
        .cost(4)
        .saves({true, true}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor a = c.in[0], b = c.in[1], zero = fn::number(0);
          Tensor da, db;
          if (c.needs[0]) {
            // x^0 is 1 everywhere, at 0 too: its derivative is 0, not 0 times infinity.
            const Tensor slope = b * fn::call("pow", {a, b - 1.0});
            da = unbroadcast(c.grad[0] * fn::where(fn::equal(b, zero), zero, slope), a.shape());
          }
          if (c.needs[1]) {
            // 0^b is 0 for all b above 0: its derivative is 0, not 0 times log(0).
            const Tensor flat = fn::call("logical_and", {fn::equal(a, zero), fn::call("greater_equal", {b, zero})});
            db = unbroadcast(c.grad[0] * fn::where(flat, zero, c.out[0] * fn::log(a)), b.shape());
          }
          return {da, db};
        })
        .complex(of_complex)
        .doc(R"(a to the power of b, element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers; integers wrap, and a negative exponent of an integer gives 0 except for bases 1 and -1
Errors    shapes that do not broadcast
Grad      a, b; towards a it is 0 where b = 0, towards b it is 0 where a = 0 and b >= 0
Numerics  NaN for a negative a with a fractional b
Source    the array API standard 2024.12)",
             R"(>>> pt.pow(3.0, 2.0).item()
9.0)");

const AutocastRule rule("pow", Precision::Full);

}  // namespace
}  // namespace pt
