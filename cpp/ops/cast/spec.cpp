#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("cast")
        .in("x")
        .attr_required("dtype", AttrKind::DType)
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          return {{c.attrs.dtype("dtype"), c.in[0].shape}};
        })
        .plan([](std::span<const Operand> in, std::span<const Operand> out, const Attrs&) {
          return plan_cast(in[0], out[0]);
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {fn::cast(c.grad[0], c.in_types[0].dtype)}; })
        .doc(R"(x in another dtype.
Shapes    x [...] -> [...]
Dtypes    all
Grad      x, between floats
Numerics  to fewer bits it rounds to nearest even; from float to integer towards zero; to bool: where x is not 0)",
             R"(>>> pt.cast(1.5, "int32").item()
1)");

}  // namespace
}  // namespace pt
