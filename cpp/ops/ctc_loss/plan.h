#pragma once
#include "core/attrs.h"
#include "core/launch.h"
#include "ops/ctc_loss/desc.h"

namespace pt {

CtcDesc describe_ctc(const Operand& scores, const Operand& labels, const Attrs& attrs);
// What a launch over all rows makes and moves.
void count_ctc_work(Launch& launch, const CtcDesc& d, const Operand& scores, bool backward);

}  // namespace pt
