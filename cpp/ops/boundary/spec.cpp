#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered = define("boundary")
                           .in("x")
                           .attr_required("region", AttrKind::Int)
                           .batch(batch_leading)
                           .shape([](const InferContext& c) -> Types { return {c.in[0]}; })
                           .view([](const Operand& in, const Attrs&) -> std::optional<View> {
                             return View{in.shape, in.strides, 0};
                           })
                           .same_elsewhere()
                           .saves({false})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0]}; })
                           .doc(R"(x, as an output of a region whose gradient is made in another way.
Shapes    x [...] -> [...]
Dtypes    all
Grad      x, or what the region says)");

}  // namespace
}  // namespace pt
