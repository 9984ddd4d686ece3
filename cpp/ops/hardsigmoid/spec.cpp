#include "ops/axes.h"
#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = formula_unary("hardsigmoid", "input",
                                     [](const Tensor& x, const Attrs&) { return slope_between(x, -3, 3) * (1.0 / 6); })
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             return {fn::cast(fn::call("relu6", {widened(in[0]) + 3.0}) * (1.0 / 6), in[0].dtype())};
                           })
                           .doc(R"(a sigmoid of straight lines: input / 6 + 1 / 2 between 0 and 1.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; 0 at -3 and 3
Source    Courbariaux, Bengio & David 2015)",
                                R"(>>> pt.nn.functional.hardsigmoid(0.0).item()
0.5)");

}  // namespace
}  // namespace pt
