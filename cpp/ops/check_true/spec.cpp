#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered =
    define("check_true")
        .in_mask("holds")
        .attr_required("refusal", AttrKind::String)
        .may_fail()
        .passes_through()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types { return {c.in[0]}; })
        .no_gradient()
        .doc(R"(holds, once all of it is known to be true: a check of values that is made where they are.
Shapes    holds [...] -> [...]
Dtypes    bool
Errors    `refusal`, word for word, for an element that is false; reported when the call or the compiled step ends
Grad      none
Source    assert in Python)",
             R"(>>> pt.ops.functional.OPERATORS["check_true"](pt.tensor([True]), refusal="[f] x is 0").numpy().tolist()
[True])");

}  // namespace
}  // namespace pt
