#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("outer")
                           .in("a", Takes::Number)
                           .in("b", Takes::Number)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             if (in[0].ndim() != 1 || in[1].ndim() != 1) {
                               throw ShapeError(text("[outer] a is ", in[0].type(), ", b is ", in[1].type(),
                                                     "; expected one axis each; flatten them"));
                             }
                             return {fn::reshape(in[0], {in[0].size(), 1}) * in[1]};
                           })
                           .complex()
                           .doc(R"(each element of a times each of b.
Shapes    a [m], b [n] -> [m, n]
Dtypes    all numbers
Errors    more or less than one axis
Grad      a, b
Source    the array API standard 2024.12 (linalg.outer))",
                                R"(>>> pt.outer(pt.tensor([1, 2]), pt.tensor([3, 4])).numpy().tolist()
[[3, 4], [6, 8]])");

}  // namespace
}  // namespace pt
