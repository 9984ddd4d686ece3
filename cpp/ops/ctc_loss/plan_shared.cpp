#include "ops/ctc_loss/plan.h"

namespace pt {

CtcDesc describe_ctc(const Operand& scores, const Operand& labels, const Attrs& attrs) {
  CtcDesc d{};
  d.rows = scores.shape[0], d.steps = scores.shape[1], d.classes = scores.shape[2];
  d.longest = labels.shape[1];
  d.blank = attrs.integer("blank");
  d.wide = (2 * d.longest + 1 + 15) / 16 * 16;
  d.room = d.wide + 2 * kCtcPad;
  return d;
}

void count_ctc_work(Launch& launch, const CtcDesc& d, const Operand& scores, bool backward) {
  constexpr double kFlopsPerState = 60;  // three exponentials and a logarithm, mostly
  launch.flops = static_cast<double>(d.rows * d.steps * d.wide) * kFlopsPerState * (backward ? 3 : 1);
  launch.bytes = static_cast<double>(count(scores.shape) * size_of(scores.dtype));
}

}  // namespace pt
