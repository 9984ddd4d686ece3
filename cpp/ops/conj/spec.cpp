#include "ops/complex.h"

namespace pt {
namespace {

Tensors turned(const Tensors& in, const Attrs&) { return {make_complex(real_part(in[0]), -imaginary_part(in[0]))}; }

const Op* registered = define("conj")
                           .in("x", Takes::Number)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors { return {in[0]}; })
                           .complex(turned)
                           .doc(R"(the complex conjugate of x, element by element.
Shapes    x [...] -> [...]
Dtypes    complex; real numbers stay as they are
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.conj(pt.complex(1.0, 2.0)).item()
(1-2j))");

}  // namespace
}  // namespace pt
