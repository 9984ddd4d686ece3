#include "ops/axes.h"
#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered =
    define("check_index")
        .in_index("index")
        .attr_required("size", AttrKind::Int)
        .passes_through()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          c.expect(is_wide_index(c.in[0].dtype),
                   text("index is ", c.in[0], "; expected int32 or int64; convert it with astype"));
          return {c.in[0]};
        })
        .indexes([](std::span<const TensorType>, const Attrs& attrs) -> Indexed {
          return {0, attrs.integer("size")};
        })
        .no_gradient()
        .doc(R"(index, once all of it is known to name places of an axis of that size.
Shapes    index [...] -> [...]
Dtypes    int32, int64
Errors    an index outside -size..size-1, reported when the call or the compiled step ends
Grad      none
Numerics  an index below 0 counts from the end, and stays as it is. A step makes this call of itself where it reads by an
          index, but nobody reads what comes of it
Source    the index of numpy.take)",
             R"(>>> pt.ops.functional.OPERATORS["check_index"](pt.tensor([0, -1]), size=3).numpy().tolist()
[0, -1])");

}  // namespace
}  // namespace pt
