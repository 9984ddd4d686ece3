#include "ops/complex.h"

namespace pt {
namespace {

Tensors value(const Tensors& in, const Attrs&) { return {real_part(in[0])}; }

const Op* registered = define("real")
                           .in("x", Takes::Number)
                           .compose(value)
                           .complex(value)
                           .doc(R"(the real part of x, element by element. A view.
Shapes    x [...] -> [...]
Dtypes    complex64 -> float32, complex128 -> float64; real numbers stay as they are
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.real(pt.complex(1.0, 2.0)).item()
1.0)");

}  // namespace
}  // namespace pt
