#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_binary(
                           "copysign", "a", "b",
                           [](const Tensor& a, const Tensor& b) {
                             const Tensor size = fn::abs(a);
                             return fn::where(fn::call("signbit", {b}), -size, size);
                           },
                           [](const Tensor& a, const Tensor& b) {
                             const Tensor zero = fn::number(0),
                                          same = fn::equal(fn::call("signbit", {a}), fn::call("signbit", {b}));
                             return fn::where(fn::equal(a, zero), zero, fn::where(same, fn::number(1), fn::number(-1)));
                           },
                           [](const Tensor&, const Tensor&) { return fn::number(0); })
                           .doc(R"(the magnitude of a with the sign of b, element by element.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, 0 where it is 0; nothing towards b
Numerics  the sign of zero counts; that of a NaN is positive
Source    the array API standard 2024.12)",
                                R"(>>> pt.copysign(2.0, -1.0).item()
-2.0)");

}  // namespace
}  // namespace pt
