#include "ops/functional.h"

namespace pt {
namespace {

// Its own gradient comes from the definition.
const Op* registered = define("relu_grad")
                           .in("x", Takes::Number)
                           .in("g", Takes::Number)
                           .elementwise()
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             return {fn::where(fn::greater(in[0], fn::number(0)), in[1], fn::number(0))};
                           })
                           .doc(R"(the gradient g of relu's result as one of x: g where x is above zero.
Shapes    x [...], g [...] -> [...]
Dtypes    all numbers
Errors    bool, complex numbers; shapes that do not broadcast
Grad      g
Source    that of relu)",
                                R"(>>> pt.relu_grad(pt.tensor([-1.0, 2.0]), pt.tensor([5.0, 5.0])).numpy().tolist()
[0.0, 5.0])");

}  // namespace
}  // namespace pt
