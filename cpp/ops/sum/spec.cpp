#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/complex.h"
#include "ops/functional.h"
#include "ops/fused/machine.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = reduction("sum", Takes::Any, ResultType::Sum, false)
                           .reduces_rows(StepKind::RowSum)
                           .saves({false})
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Shape& full = c.in_types[0].shape;
                             const Ints axes = reduced_axes(c.attrs, full.size(), "sum");
                             return {fn::broadcast_to(restore_axes(c.grad[0], full, axes), full)};
                           })
                           .complex(along_axes("sum"))
                           .doc(R"(the sum over the given axes.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all; integers and bool are summed in int64, unsigned integers in uint64; f16 and bf16 accumulate in f32
Errors    an axis that x does not have
Grad      x
Numerics  blocks of 1,024 along the row, pairwise above; down a column as a product with ones
Source    the array API standard 2024.12)",
                                R"(>>> pt.sum(pt.ones((2, 3)), axis=1).numpy().tolist()
[3.0, 3.0])");

const AutocastRule rule("sum", Precision::Full);

}  // namespace
}  // namespace pt
