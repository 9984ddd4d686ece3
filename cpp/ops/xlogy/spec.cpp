#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_binary(
                           "xlogy", "a", "b",
                           [](const Tensor& a, const Tensor& b) {
                             const Tensor zero = fn::number(0),
                                          flat = fn::logical_and(fn::equal(a, zero), fn::equal(b, b));
                             return fn::where(flat, zero, a * fn::log(fn::where(flat, fn::number(1), b)));
                           },
                           [](const Tensor& a, const Tensor& b) {
                             const Tensor zero = fn::number(0);
                             const Tensor flat = fn::logical_and(fn::equal(a, zero), fn::less_equal(b, zero));
                             return fn::where(flat, zero, fn::log(b));
                           },
                           // Where a is 0, b moves nothing, be it 0 too: so the entropy of a certain choice has a
                           // gradient.
                           [](const Tensor& a, const Tensor& b) {
                             const Tensor zero = fn::number(0), flat = fn::equal(a, zero);
                             return fn::where(flat, zero, a / fn::where(flat, fn::number(1), b));
                           })
                           .doc(R"(a times log(b), and 0 where a is 0, element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, b; 0 towards b where a is 0, and towards a where b is 0 too
Source    SciPy, special.xlogy)",
                                R"(>>> pt.xlogy(0.0, 0.0).item()
0.0)");

}  // namespace
}  // namespace pt
