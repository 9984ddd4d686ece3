#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("hardswish")
        .in("input", Takes::Number)
        .floats()
        .elementwise()
        .compose([](const Tensors& in, const Attrs&) -> Tensors { return {in[0] * fn::call("hardsigmoid", {in[0]})}; })
        .vjp([](const VjpContext& c) -> Tensors {
          return {fn::call("hardswish_grad", {c.in[0], c.grad[0]})};
        })
        .doc(R"(input times hardsigmoid(input).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Howard et al. 2019)",
             R"(>>> pt.nn.functional.hardswish(3.0).item()
3.0)");

}  // namespace
}  // namespace pt
