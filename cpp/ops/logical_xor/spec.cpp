#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("logical_xor")
                           .in("a", Takes::Bool)
                           .in("b", Takes::Bool)
                           .shape(infer_predicate)
                           .no_gradient()
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             return {fn::call("not_equal", {in[0], in[1]})};
                           })
                           .doc(R"(where one of a and b is true and the other is not.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    bool
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.logical_xor(True, True).item()
False)");

}  // namespace
}  // namespace pt
