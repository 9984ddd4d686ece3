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
Grad      g)");

}  // namespace
}  // namespace pt
