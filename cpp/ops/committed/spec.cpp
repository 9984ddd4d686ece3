#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered =
    define("committed")
        .in("x")
        .attr_required("slot", AttrKind::Int)
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types { return {c.in[0]}; })
        .view([](const Operand& in, const Attrs&) -> std::optional<View> {
          return View{in.shape, in.strides, 0};
        })
        .reads_slot()
        .same_elsewhere()
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0]}; })
        .doc(
            R"(What a slot of the step holds after a phase that wrote x to it: x, or what was there where the phase was left out.
Shapes    x [...] -> [...]
Dtypes    all
Grad      x)");

}  // namespace
}  // namespace pt
