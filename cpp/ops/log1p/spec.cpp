#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// log |1 + z| by what |1 + z|^2 has above 1, where z is small.
Tensors of_complex(const Tensors& in, const Attrs&) {
  const Tensor a = real_part(in[0]), b = imaginary_part(in[0]), size = fn::call("hypot", {a + 1.0, b});
  const Tensor near = 0.5 * fn::call("log1p", {a * (a + 2.0) + fn::square(b)});
  const Tensor small = fn::less(fn::call("abs", {in[0]}), fn::number(0.5));
  return {make_complex(fn::where(small, near, fn::log(size)), fn::call("atan2", {b, a + 1.0}))};
}

const Op* registered = define("log1p")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(1)
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (c.in[0] + 1.0)}; })
                           .complex(of_complex)
                           .doc(R"(log(1 + x), exact for small x too.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  -inf at -1, NaN below
Source    the array API standard 2024.12)",
                                R"(>>> pt.log1p(0.0).item()
0.0)");

const AutocastRule rule("log1p", Precision::Full);

}  // namespace
}  // namespace pt
