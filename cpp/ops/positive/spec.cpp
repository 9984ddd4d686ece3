#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("positive")
                           .in("x", Takes::Number)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors { return {in[0]}; })
                           .complex()
                           .doc(R"(x itself: +x.
Shapes    x [...] -> [...]
Dtypes    all numbers
Errors    none
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.positive(-2.0).item()
-2.0)");

}  // namespace
}  // namespace pt
