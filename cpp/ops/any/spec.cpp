#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = reduction("any", Takes::Any, ResultType::Bool, false)
                           .no_gradient()
                           .complex([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             return {fn::call("any", {fn::call("not_equal", {in[0], fn::number(0)})}, attrs)};
                           })
                           .doc(R"(whether an element along the axes is true, or not zero.
Shapes    x [...] -> bool, x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all
Errors    an axis that x does not have
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.any(pt.arange(3)).item()
True)");

}  // namespace
}  // namespace pt
