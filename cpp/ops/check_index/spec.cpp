#include <algorithm>

#include "core/space_plan.h"
#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/check_index/desc.h"
#include "ops/op.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 16384;  // some 10 us

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand>, const Attrs& attrs, const PlanContext&) {
  LaunchPlan plan;
  const int64_t elements = count(in[0].shape);
  if (elements == 0) return plan;
  CheckIndexDesc d{};
  d.space = make_space(in[0].shape, in[0].strides, size_of(in[0].dtype), 0, in[0].shape.size());
  d.axis_size = attrs.integer("size");
  d.chunk = std::min(elements, kChunkElements);
  d.wide_index = in[0].dtype == DType::I64;
  Launch launch;
  launch.kernel = "check_index";
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(elements, d.chunk);
  launch.bytes = static_cast<double>(elements) * static_cast<double>(size_of(in[0].dtype));
  plan.launches.push_back(std::move(launch));
  return plan;
}

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
        .plan(plan)
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
