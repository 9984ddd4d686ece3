// What one kind of device can run. Specs say what an op computes; a target says how: it holds a plan for each op that
// it has kernels for, and turns launches into instructions. What it does not plan is expanded by its definition.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/device.h"
#include "core/lock.h"
#include "ops/op.h"
#include "ops/row_consumer.h"

namespace pt {

using PlanFn = std::function<LaunchPlan(std::span<const Operand> in, std::span<const Operand> out, const Attrs&,
                                        const PlanContext&)>;
// `why` receives the reason if it does not fit.
using EpilogueFitsFn =
    std::function<bool(const FusedProgram&, const Types& in, const TensorType& result, const Attrs&, std::string* why)>;
using PlanEpilogueFn =
    std::function<LaunchPlan(std::span<const Operand> in, const TensorType& result, const FusedProgram&, const Attrs&,
                             const PlanContext&, const RowConsumer* consumer)>;
using HandsRowsFn = std::function<bool(const FusedProgram&, const Types& in, const TensorType& result, const Attrs&,
                                       const RowConsumer& consumer)>;
using ConsumeRowsFn =
    std::function<std::optional<RowConsumer>(const TensorType& rows, std::span<const TensorType> out, const Attrs&)>;

// How a target runs one op.
struct OpPlan {
  PlanFn plan = nullptr;
  // For ops such as products, whose result may go through an elementwise program while it is in cache. The program's
  // first operand is the result, of type `result`; the launches' operands are the inputs, the further inputs, the
  // outputs.
  EpilogueFitsFn epilogue_fits = nullptr;
  PlanEpilogueFn plan_epilogue = nullptr;
  // And whether the rows of that program's one result may go to another op's launch (ops/row_consumer.h), whose outputs
  // then take the place of the result among the launches' operands.
  HandsRowsFn hands_rows = nullptr;
  // For ops that can be that: their launch for an input of this type; nothing where it needs more than some rows.
  ConsumeRowsFn consume_rows = nullptr;
};

// How large the programs may become that a target runs as one launch.
struct FusionLimits {
  std::size_t operands;
  std::size_t members;
  // In fewer rows than `few_rows`, each longer than `long_row`, nothing after a reduction reads the row again: a row is
  // then shared among threads.
  int64_t few_rows;
  int64_t long_row;
  // Whether f16 and bf16 values stay in registers, rounded, between two members.
  bool rounds_halves;
  // Whether pieces of a buffer that are cast are better cast together, as where a launch costs more than the memory
  // that a cache would have held.
  bool casts_together;
  // Whether a launch less is worth more than what a cache would hold: groups that read the same tensor become one, and
  // an epilogue stores the result itself too, where others read that.
  bool saves_launches;
  // Whether a program also adds up columns, StepKind::ColumnSum.
  bool sums_columns;
};

// Targets live as long as the process: ops and contexts point at them and at their plans.
class Target {
 public:
  // One that holds plans of its own; or one that runs what another one plans.
  Target(std::string name, Memory& memory);
  Target(std::string name, Memory& memory, const Target& plans_of);
  virtual ~Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  const std::string& name() const { return name_; }
  // The op's own plan; nullptr where there is none.
  const OpPlan* find(const Op& op) const { return op.plans[number_]; }
  // Every target runs an elementwise op, as a program of one step.
  bool plans(const Op& op) const { return op.elementwise || find(op); }
  // Throws for an op that this target does not plan.
  LaunchPlan plan(const Op& op, std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                  const PlanContext& context) const;
  LaunchPlan plan_copy(const Operand& in, const Operand& out, const PlanContext& context) const;
  [[noreturn]] void refuse(const Op& op) const;
  std::string kind() const { return name_.substr(0, name_.find(':')); }  // "cuda" of "cuda:0"

  virtual LaunchPlan plan_fused(const FusedProgram& program, const PlanContext& context) const = 0;
  virtual const FusionLimits& fusion_limits() const = 0;
  // The operands are the caller's to fill in.
  virtual Instruction bind(const Launch& launch, const PlanContext& context) const = 0;
  virtual Device& device() const = 0;
  Memory& memory() const { return memory_; }
  // What plans that are made now depend on; and those of compiled steps, which run again and again.
  virtual PlanContext context() const = 0;
  virtual PlanContext context_of_steps() const { return context(); }

  // Of the op with that name, which may be registered before or after its plan.
  const OpPlan* add(std::string op, OpPlan plan);
  std::size_t plan_count() const { return by_name_.size(); }  // of ops of the registry
  // Of an op outside of the registry, before anybody else sees that.
  const OpPlan* add(Op& op, OpPlan plan);

 private:
  friend void find_plans(Op& op);
  std::string name_;
  Memory& memory_;
  int number_;
  std::map<std::string, OpPlan, std::less<>> by_name_;
  Lock busy_;
  std::deque<OpPlan> unnamed_;
};

// Of an op outside of the registry whose instructions every target runs, before anybody else sees that.
void add_everywhere(Op& op, OpPlan plan);

// Fills in the plans of an op that is being registered.
void find_plans(Op& op);

// The target of what is computed now: of eager calls, and of the steps that are compiled. Each thread has its own; that
// of the CPU unless a scope says otherwise.
const Target& current_target();
inline PlanContext current_plan_context() { return current_target().context(); }

// The target that computes in a memory: the current one if it does, else the first that was made for it.
const Target& target_of(const Memory& memory);

// Where a call is computed: in the memory of its inputs, where one on a device decides, since numbers on the host go
// there. What is made of nothing, and what is drawn, is made where the current target says.
class Whereabouts {
 public:
  void add(const Tensor& input) {
    if (!input.concrete()) return;
    const Buffer& buffer = *input.impl().buffer;
    some_ = true;
    if (!buffer.on_host() && !device_) device_ = &buffer.memory();
  }
  const Target& target(const Op& op) const {
    if (device_) return target_of(*device_);
    return some_ && !op.random ? target_of(host_memory()) : current_target();
  }

 private:
  const Memory* device_ = nullptr;
  bool some_ = false;
};
const Target& target_for(const Op& op, const Tensors& inputs);

class TargetScope {
 public:
  explicit TargetScope(const Target& target);
  ~TargetScope();
  TargetScope(const TargetScope&) = delete;
  TargetScope& operator=(const TargetScope&) = delete;

 private:
  const Target* saved_;
};

}  // namespace pt
