#include "ops/target.h"

#include <mutex>
#include <vector>

#include "ops/cpu_target.h"
#include "ops/elementwise.h"
#include "ops/loaded_device.h"

namespace pt {
namespace {

// Those that hold plans, by number. Made while the library loads, or before anybody uses them.
std::vector<Target*>& planners() {
  static auto& all = *new std::vector<Target*>;
  return all;
}

int next_number(Target* target) {
  std::vector<Target*>& all = planners();
  if (all.size() == kMostTargets) {
    throw Error(text("[target ", target->name(), "] ", all.size(), " targets have plans already; expected at most ",
                     kMostTargets, "; raise kMostTargets in ops/op.h"));
  }
  all.push_back(target);
  return static_cast<int>(all.size()) - 1;
}

const Target*& chosen() {
  thread_local const Target* target = nullptr;
  return target;
}

}  // namespace

Target::Target(std::string name, Memory& memory) : name_(std::move(name)), memory_(memory), number_(next_number(this)) {
  if (!memory.computes_here) memory.computes_here = this;
}
Target::Target(std::string name, Memory& memory, const Target& plans_of)
    : name_(std::move(name)), memory_(memory), number_(plans_of.number_) {
  if (!memory.computes_here) memory.computes_here = this;
}

LaunchPlan Target::plan(const Op& op, std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                        const PlanContext& context) const {
  if (const OpPlan* own = find(op)) return own->plan(in, out, attrs, context);
  if (!op.elementwise) refuse(op);
  PlanContext alone = context;  // a call by itself is cut in the same way for any number of threads
  alone.threads = 1;
  return plan_fused(elementwise_program(op, in, out[0], attrs), alone);
}

LaunchPlan Target::plan_copy(const Operand& in, const Operand& out, const PlanContext& context) const {
  static const Op& copy = find_op("copy");
  return plan(copy, std::span(&in, 1), std::span(&out, 1), {}, context);
}

void Target::refuse(const Op& op) const {
  if (op.failure) refuse_kernel(op.name, name_);
  throw KernelError(text(
      "[", op.name, "] target ", name_,
      " has no plan for it, and it has no definition in other ops; expected one of them; compute it on the CPU, or "
      "add cpp/ops/",
      op.name, "/plan_", kind(), ".cpp, or .compose(...) to its spec"));
}

const OpPlan* Target::add(std::string op, OpPlan plan) {
  const OpPlan& kept = by_name_[op] = std::move(plan);
  if (Op* known = registered_op(op)) known->plans[number_] = &kept;
  return &kept;
}

const OpPlan* Target::add(Op& op, OpPlan plan) {
  const std::lock_guard lock(busy_);
  return op.plans[number_] = &unnamed_.emplace_back(std::move(plan));
}

void add_everywhere(Op& op, OpPlan plan) {
  static auto& kept = *new std::deque<OpPlan>;  // as long as the process, like the op
  static auto& busy = *new Lock;
  const std::lock_guard lock(busy);
  op.plans.fill(&kept.emplace_back(std::move(plan)));
}

void find_plans(Op& op) {
  for (const Target* target : planners()) {
    if (auto found = target->by_name_.find(op.name); found != target->by_name_.end()) {
      op.plans[target->number_] = &found->second;
    }
  }
}

const Target& current_target() {
  const Target* target = chosen();
  return target ? *target : cpu_target();
}

const Target& target_of(const Memory& memory) {
  const Target& now = current_target();
  return &now.memory() == &memory ? now : *memory.computes_here;
}

const Target& target_for(const Op& op, const Tensors& inputs) {
  Whereabouts whereabouts;
  for (const Tensor& input : inputs) whereabouts.add(input);
  return whereabouts.target(op);
}

TargetScope::TargetScope(const Target& target) : saved_(chosen()) { chosen() = &target; }
TargetScope::~TargetScope() { chosen() = saved_; }

}  // namespace pt
