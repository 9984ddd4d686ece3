#include <limits>

#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("isinf")
                           .in("x", Takes::Float)
                           .shape(infer_predicate)
                           .no_gradient()
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             const Tensor infinity = fn::number(std::numeric_limits<double>::infinity());
                             return {fn::equal(fn::call("abs", {in[0]}), infinity)};
                           })
                           .complex(either_part("isinf"))
                           .doc(R"(where x is infinite, of either sign.
Shapes    x [...] -> bool [...]
Dtypes    floats
Errors    integers, bool
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.isinf(float("-inf")).item()
True)");

}  // namespace
}  // namespace pt
