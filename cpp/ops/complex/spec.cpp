#include "ops/axes.h"
#include "ops/complex.h"

namespace pt {
namespace {

const Op* registered = define("complex")
                           .in("real", Takes::Number)
                           .in("imag", Takes::Number)
                           .floats()
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             return {make_complex(widened(in[0]), widened(in[1]))};
                           })
                           .doc(R"(the complex numbers real + i imag.
Shapes    real [...], imag [...] -> [...], broadcast
Dtypes    float64 -> complex128; others, integers among them, -> complex64
Errors    shapes that do not broadcast; complex parts
Grad      real, imag
Source    PyTorch, complex)",
                                R"(>>> pt.complex(pt.ones(2), 3.0).numpy().tolist()
[(1+3j), (1+3j)])");

}  // namespace
}  // namespace pt
