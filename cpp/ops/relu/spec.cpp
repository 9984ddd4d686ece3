#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("relu")
                           .in("input", Takes::Number)
                           .elementwise()
                           // The result is above zero exactly where x is, and the next layer keeps it anyway.
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("relu_grad", {c.out[0], c.grad[0]})};
                           })
                           .doc(R"(input where it is above zero, else 0; NaN stays NaN.
Shapes    input [...] -> [...]
Dtypes    all numbers
Errors    bool, complex numbers
Grad      input; 0 at 0, 1 at NaN
Source    Nair & Hinton 2010)",
                                R"(>>> pt.relu(-2.0).item()
0.0)");

}  // namespace
}  // namespace pt
