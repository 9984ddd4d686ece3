#include "ops/batching.h"
#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("stop_gradient")
                           .in("x")
                           .batch(batch_leading)
                           .shape([](const InferContext& c) -> Types { return {c.in[0]}; })
                           .view([](const Operand& in, const Attrs&) -> std::optional<View> {
                             return View{in.shape, in.strides, 0};
                           })
                           .same_elsewhere()
                           .no_gradient()
                           .doc(R"(x as a constant: no gradient flows through it.
Shapes    x [...] -> [...]
Dtypes    all
Errors    none
Grad      zero everywhere
Source    JAX, lax.stop_gradient)",
                                R"(>>> pt.stop_gradient(2.0).item()
2.0)");

}  // namespace
}  // namespace pt
