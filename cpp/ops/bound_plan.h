// Plans of eager calls with their instructions, which depend on types, strides, attributes and context alone: a loop of
// equal calls makes one.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "ops/op.h"

namespace pt {

class Target;

struct BoundPlan {
  LaunchPlan plan;
  std::vector<Instruction> instructions;
  double micros = 0;
  bool parallel = false, open_ended = false;
  std::string refusal;  // what a check in it says

  // Whether other threads of Python may run meanwhile.
  bool leaves_interpreter() const;
};

// A tensor as a plan sees it, and what stands there for an optional input that was left out.
Operand operand_of(const Tensor& tensor);

// Kept for the next call of the thread.
std::shared_ptr<const BoundPlan> bound_plan(const Op& op, std::span<const Operand> in, std::span<const Operand> out,
                                            const Attrs& attrs, const PlanContext& context);

// Runs it on these addresses, inputs before outputs, and throws what its kernels complained of.
void run_bound(const Target& target, const Op& op, const BoundPlan& bound, std::span<char* const> operands);

}  // namespace pt
