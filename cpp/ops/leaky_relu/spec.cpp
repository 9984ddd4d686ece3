#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("leaky_relu")
        .in("x", Takes::Number)
        .floats()
        .attr("slope", 0.01)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {fn::where(fn::greater(in[0], fn::number(0)), in[0], attrs.number("slope") * in[0])};
        })
        .doc(R"(x where it is above zero, else slope times x.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x; the slope at 0
Source    Maas, Hannun & Ng 2013)",
             R"(>>> pt.leaky_relu(-2.0, slope=0.5).item()
-1.0)");

}  // namespace
}  // namespace pt
