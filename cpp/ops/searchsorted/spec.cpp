#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

// Values are found one by one, in the one row that is shared.
Tensors batch_values(const BatchContext& c) {
  return c.batched[0] ? batch_unrolled(c) : apply(c.op, {c.in.begin(), c.in.end()}, c.attrs);
}

const Op* registered =
    define("searchsorted")
        .in("a")
        .in("v")
        .attr("side", "left", {"left", "right"})
        .no_gradient()
        .batch(batch_values)
        .shape([](const InferContext& c) -> Types {
          c.expect(c.in[0].shape.size() == 1,
                   text("a is ", c.in[0], "; expected one axis, in order; take the rows one by one"));
          return {{DType::I64, c.in[1].shape}};
        })
        .doc(
            R"(where each value belongs in a row that is in order: before equal elements, or behind them with side='right'.
Shapes    a [n], v [...] -> int64 [...], 0 to n
Dtypes    all
Errors    a row of more or less than one axis
Grad      none
Numerics  NaN counts as the largest; a row out of order gives some place, no error
Source    the array API standard 2024.12)",
            R"(>>> pt.searchsorted(pt.tensor([1, 2, 4]), pt.tensor([2, 5])).numpy().tolist()
[1, 3])");

}  // namespace
}  // namespace pt
