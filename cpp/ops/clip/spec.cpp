#include "ops/functional.h"

namespace pt {
namespace {

// By selection, as clamp.
const Op* registered = define("clip")
                           .in("x", Takes::Number)
                           .in_optional("min", Takes::Number)
                           .in_optional("max", Takes::Number)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             if (in[1].defined() && in[2].defined()) return {fn::call("clamp", in)};
                             Tensor x = in[0];
                             if (in[1].defined()) x = fn::where(fn::less(x, in[1]), in[1], x);
                             if (in[2].defined()) x = fn::where(fn::greater(x, in[2]), in[2], x);
                             return {x};
                           })
                           .doc(R"(x, but min where it is below and max where it is above. Either bound may be left out.
Shapes    x [...], min [...], max [...] -> [...], broadcast
Dtypes    all numbers
Errors    shapes that do not broadcast
Grad      x, min, max; a value on a bound belongs to x
Source    the array API standard 2024.12)",
                                R"(>>> pt.clip(3.0, 0.0, 1.0).item()
1.0)");

}  // namespace
}  // namespace pt
