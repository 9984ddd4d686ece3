#include "ops/complex.h"

namespace pt {
namespace {

Tensors value(const Tensors& in, const Attrs&) { return {imaginary_part(in[0])}; }

const Op* registered = define("imag")
                           .in("x", Takes::Number)
                           .compose(value)
                           .complex(value)
                           .doc(R"(the imaginary part of x, element by element. A view.
Shapes    x [...] -> [...]
Dtypes    complex64 -> float32, complex128 -> float64; of real numbers zeros, as in NumPy
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.imag(pt.complex(1.0, 2.0)).item()
2.0)");

}  // namespace
}  // namespace pt
