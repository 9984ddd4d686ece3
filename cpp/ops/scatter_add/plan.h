// Adding into elements by index: the gradients of gather and take_along. Sources of one destination add up in order,
// f16 and bf16 in f32 with one rounding at the end. An index out of range raises kStatusBadIndex and adds nothing.
#pragma once
#include "core/launch.h"
#include "ops/op.h"
#include "ops/scatter_add/desc.h"

namespace pt {

// updates has the shape out[:axis] + index + out[axis + 1:]. Without accumulate, out is zeroed first.
LaunchPlan plan_scatter_add(const Operand& index, const Operand& updates, const Operand& out, int axis,
                            bool accumulate);

// index and updates have one shape, equal to that of out except along the axis.
LaunchPlan plan_put_along(const Operand& index, const Operand& updates, const Operand& out, int axis);

// What ops share that put updates to places along an axis: the shape rule (attributes axis and size), the geometry, and
// into how many chunks its lines go.
Types put_along_shape(const InferContext& context);
PutAlongDesc describe_put(const Operand& index, const Operand& updates, const Operand& out, int axis);
int64_t put_chunks(const PutAlongDesc& desc);

}  // namespace pt
