#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_binary(
        "fmod", "a", "b",
        [](const Tensor& a, const Tensor& b) {
          return fn::copysign(fn::call("remainder", {fn::abs(a), fn::abs(b)}), a);
        },
        [](const Tensor&, const Tensor&) { return fn::number(1); },
        [](const Tensor& a, const Tensor& b) { return -fn::call("trunc", {a / b}); })
        .doc(R"(the remainder of a by b with the sign of a, element by element, exactly. remainder takes the sign of b.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    shapes that do not broadcast
Grad      a, b)",
             R"(>>> pt.fmod(-7.0, 3.0).item()
-1.0)");

}  // namespace
}  // namespace pt
