#pragma once
#include <span>

#include "core/attrs.h"
#include "core/launch.h"
#include "ops/adam_step/desc.h"

namespace pt {

// Of the inputs of the op; those that are left out have the dtype bool. The chunk is the caller's to choose.
AdamDesc describe_adam(std::span<const Operand> in, const Attrs& attrs);

}  // namespace pt
