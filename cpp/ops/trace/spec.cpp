#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("trace")
                           .in("x")
                           .attr("offset", 0)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             return {fn::sum(fn::call("diagonal", {in[0]}, attrs), {-1}, false)};
                           })
                           .complex()
                           .doc(R"(the sum of a diagonal of each matrix.
Shapes    x [..., m, n] -> [...]
Dtypes    all; integers and bool are summed in int64
Errors    x of less than two axes
Grad      x
Source    the array API standard 2024.12 (linalg.trace))",
                                R"(>>> pt.trace(pt.tensor([[1, 2], [3, 4]])).item()
5)");

}  // namespace
}  // namespace pt
