#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

const Op* registered =
    running("cumulative_sum")
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          const int axis = running_axis(c.attrs, c.in_types[0].shape, "cumulative_sum");
          const bool from_start = c.attrs.flag("reverse");
          return {fn::call("cumulative_sum", {without_initial(c.grad[0], c.attrs, axis)},
                           {{"axis", int64_t{axis}}, {"reverse", !from_start}})};
        })
        .complex([](const Tensors& in, const Attrs& given) -> Tensors {
          Attrs attrs = given;
          attrs.set("axis", int64_t{running_axis(given, in[0].shape(), "cumulative_sum")});
          return {joined(fn::call("cumulative_sum", {parts_of(in[0])}, attrs))};
        })
        .doc(R"(the sum of each element and those before it along an axis; those behind it with reverse.
Shapes    x [..., n, ...] -> [..., n, ...], or n + 1 and a 0 first with include_initial; axis may be None for one axis
Dtypes    all; integers and bool are summed in int64, unsigned integers in uint64, and wrap; floats accumulate in
          float64, each result rounded once
Errors    an axis that x does not have; None for several; include_initial together with reverse
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.cumulative_sum(pt.arange(4)).numpy().tolist()
[0, 1, 3, 6])");

const AutocastRule rule("cumulative_sum", Precision::Full);

}  // namespace
}  // namespace pt
