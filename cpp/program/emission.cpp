#include "program/emission.h"

#include <algorithm>

#include "core/error.h"
#include "ops/target.h"
#include "program/guarded.h"

namespace pt {
namespace {

class Emission {
 public:
  Emission(const Graph& graph, const Usage& usage, Placement placement, const PlanContext& context)
      : graph_(graph), usage_(usage), placement_(std::move(placement)), context_(context), target_(*context.target) {
    layout_.storages = std::move(placement_.storages);
    layout_.result_storage = placement_.result_storage;
  }

  Layout run() {
    layout_.slot_written.assign(graph_.slots.size(), false);
    for (const SlotWrite& write : graph_.writes) layout_.slot_written[write.slot] = true;
    layout_.phases.resize(graph_.phases);
    for (const Snapshot& old : placement_.snapshots) emit_copy(old.value, old.from, place_of(old.value), 0, false);
    std::size_t next = 0;
    for (int phase = 0; phase < graph_.phases; ++phase) emit_phase(phase, next);
    emit_results();
    return std::move(layout_);
  }

 private:
  void emit_phase(int phase, std::size_t& next) {
    PlannedPhase& planned = layout_.phases[phase];
    planned.begin = phase == 0 ? 0 : launch_count();
    planned.guarded = usage_.guard_of[phase] >= 0;
    planned.skips = planned.guarded && graph_.nodes[usage_.guard_of[phase]].attrs.flag("skip");
    planned.guard = -1;
    for (; next < graph_.nodes.size() && graph_.nodes[next].phase == phase; ++next) {
      emit_node(static_cast<int>(next));
      if (static_cast<int>(next) == usage_.guard_of[phase]) planned.guard = launch_count();
    }
    if (planned.guard < 0) planned.guard = launch_count();
    for (const SlotWrite& write : graph_.writes) {
      if (write.phase != phase) continue;
      planned.writes = true;
      if (usage_.in_place[write.value] == write.slot) continue;
      emit_copy(write.value, place_of(write.value), whole(placement_.slot_storage[write.slot], write.value), phase,
                true);
    }
    planned.end = launch_count();
  }

  void emit_results() {
    for (std::size_t r = 0; r < graph_.results.size(); ++r) {
      if (placement_.in_result[r]) continue;
      const int value = graph_.results[r];
      emit_copy(value, place_of(value), whole(layout_.result_storage[r], value), graph_.phases - 1, false);
    }
    layout_.phases.back().end = launch_count();
  }

  int launch_count() const { return static_cast<int>(layout_.launches.size()); }
  const TensorType& type_of(int value) const { return graph_.values[value].type; }
  const Place& place_of(int value) const { return placement_.places[value]; }
  Place whole(int storage, int value) const { return {storage, 0, row_major(type_of(value).shape)}; }

  Operand operand_at(int value, const Place& place) const {
    return {type_of(value).dtype, type_of(value).shape, place.strides};
  }
  PlacedOperand placed_at(int value, const Place& place) const {
    return {place.storage, place.offset * static_cast<int64_t>(size_of(type_of(value).dtype))};
  }

  void emit(LaunchPlan plan, const std::vector<PlacedOperand>& operands, int node, const std::string& name, int phase,
            bool commits, const std::vector<bool>& skip = {}) {
    std::vector<PlacedOperand> all = operands;
    int workspace = -1;
    if (plan.workspace_bytes > 0) {
      workspace = static_cast<int>(layout_.storages.size());
      layout_.storages.push_back({Home::Arena, 0, plan.workspace_bytes});
      all.push_back({workspace, 0});
    }
    for (std::size_t l = 0; l < plan.launches.size(); ++l) {
      if (l < skip.size() && skip[l]) continue;
      PlannedLaunch planned{std::move(plan.launches[l]), {}, node, name, phase, commits};
      if (planned.launch.operands.empty()) {
        planned.operands = all;
      } else {
        for (int i : planned.launch.operands) planned.operands.push_back(i < 0 ? PlacedOperand{workspace, 0} : all[i]);
      }
      for (std::size_t i = 0; i < planned.launch.byte_offsets.size(); ++i) {
        planned.operands[i].byte_offset += planned.launch.byte_offsets[i];
      }
      layout_.launches.push_back(std::move(planned));
    }
  }

  void emit_copy(int value, const Place& from, const Place& to, int phase, bool commits) {
    if (count(type_of(value).shape) == 0) return;
    LaunchPlan copy = target_.plan_copy(operand_at(value, from), operand_at(value, to), context_);
    const std::string name = copy.launches.front().kernel;
    emit(std::move(copy), {placed_at(value, from), placed_at(value, to)}, -1, name, phase, commits);
  }

  // A node's operands as its plan and its launches see them.
  struct Operands {
    std::vector<Operand> in, out;
    std::vector<PlacedOperand> placed;  // inputs, then outputs
  };

  void add_inputs(int n, Operands& operands) {
    const GraphNode& node = graph_.nodes[n];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const int input = node.inputs[i];
      if (input < 0) {
        operands.in.push_back({DType::Bool, {0}, {1}});
        operands.placed.push_back({-1, 0});
        continue;
      }
      const auto copied = placement_.copied.find({n, static_cast<int>(i)});
      const bool as_is = copied == placement_.copied.end();
      const Place& place = as_is ? place_of(input) : copied->second;
      if (!as_is) emit_copy(input, source_of(node, input), place, node.phase, false);
      operands.in.push_back(operand_at(input, place));
      operands.placed.push_back(placed_at(input, place));
    }
  }

  // Where a node's input lies.
  Place source_of(const GraphNode& node, int input) const {
    if (!node.op || !node.op->reads_slot) return place_of(input);
    return whole(placement_.slot_storage[node.attrs.integer("slot")], input);
  }

  void emit_node(int n) {
    const GraphNode& node = graph_.nodes[n];
    Operands operands;
    add_inputs(n, operands);
    if (node.op && node.op->view) return;
    if (node.op && node.op->passes_through) return emit_check(n, operands);
    bool commits = false, empty = true;
    for (int output : node.outputs) {
      commits = commits || usage_.in_place[output] >= 0;
      empty = empty && count(type_of(output).shape) == 0;
      operands.out.push_back(operand_at(output, place_of(output)));
      operands.placed.push_back(placed_at(output, place_of(output)));
    }
    if (empty) return;
    if (node.fused) return emit_fused(n, operands, commits);
    if (node.op->rewrites && operands.placed.front() != operands.placed.back()) {
      emit(target_.plan_copy(operands.in[0], operands.out[0], context_),
           {operands.placed.front(), operands.placed.back()}, n, node.op->name, node.phase, commits);
    }
    LaunchPlan plan = target_.plan(*node.op, operands.in, operands.out, node.attrs, context_);
    std::vector<bool> skip;
    if (node.op->joins_pieces) {
      for (const Launch& launch : plan.launches)
        skip.push_back(launch.operands[0] >= 0 && placement_.joined.count({n, launch.operands[0]}) > 0);
    }
    emit(std::move(plan), operands.placed, n, node.op->name, node.phase, commits, skip);
  }

  // Of a node that looks at its input and passes it on.
  void emit_check(int n, const Operands& operands) {
    const GraphNode& node = graph_.nodes[n];
    if (!node.op->guard)
      return emit(target_.plan(*node.op, operands.in, {}, node.attrs, context_), operands.placed, n, node.op->name,
                  node.phase, false);
    const Value& value = graph_.values[node.inputs[0]];
    const GraphNode* maker = value.origin == Origin::Node ? &graph_.nodes[value.index] : nullptr;
    const bool joined = maker && maker->op && maker->op->joins_pieces;
    for (const GuardedPiece& piece : pieces_to_guard(layout_, node.phase, operands.in[0], operands.placed[0], joined))
      emit(target_.plan(*node.op, std::span(&piece.operand, 1), {}, node.attrs, context_), {piece.at}, n, node.op->name,
           node.phase, false);
  }

  void emit_fused(int n, const Operands& operands, bool commits) {
    const auto& [in, out, all] = operands;
    const GraphNode& node = graph_.nodes[n];
    FusedProgram program = *node.fused;
    const Shape& space = program.extents;
    // The inputs of a product come first; its result stands in their place as the program's first operand.
    const std::size_t own = node.op ? in.size() - static_cast<std::size_t>(program.inputs) + 1 : 0;
    const std::vector<Operand> read(in.begin() + static_cast<std::ptrdiff_t>(own), in.end());
    std::size_t i = node.op ? 1 : 0;
    const std::vector<Operand> written =
        node.consumer ? std::vector<Operand>{{program.operands.back().dtype, space, row_major(space)}} : out;
    for (auto side : {&read, &written}) {
      for (const Operand& operand : *side) {
        // A generator's state is read as a whole, not along the loops.
        const bool state = std::any_of(program.steps.begin(), program.steps.end(), [&](const FusedStep& step) {
          return step.kind == StepKind::Uniform && step.operand == static_cast<int>(i);
        });
        Strides strides = space;
        for (int d = 0; d < strides.size(); ++d) strides[d] = 0;
        if (!state && !operand.shape.empty()) strides = broadcast_strides(operand.shape, operand.strides, space);
        program.operands[i++].strides = strides;
      }
    }
    std::string parts;
    for (const std::string& part : node.names) parts += (parts.empty() ? "" : "+") + part;
    if (!node.op) return emit(target_.plan_fused(program, context_), all, n, "fused " + parts, node.phase, commits);
    const TensorType result{program.operands[0].dtype, space};
    program.operands[0] = {compute_dtype(result.dtype), row_major(space)};  // rounded to the result's, but not stored
    const std::span<const Operand> inputs(in.data(), own);
    const OpPlan& of_product = *target_.find(*node.op);
    const std::optional<RowConsumer> consumer = consumer_of(node, program.operands.back().dtype);
    LaunchPlan plan =
        of_product.plan_epilogue(inputs, result, program, node.attrs, context_, consumer ? &*consumer : nullptr);
    emit(std::move(plan), all, n, node.op->name + " -> " + parts, node.phase, commits);
  }

  std::optional<RowConsumer> consumer_of(const GraphNode& node, DType dtype) const {
    if (!node.consumer) return std::nullopt;
    Types out;
    for (int output : node.outputs) out.push_back(graph_.values[output].type);
    return target_.find(node.consumer->op)->consume_rows({dtype, node.fused->extents}, out, node.consumer->attrs);
  }

  const Graph& graph_;
  const Usage& usage_;
  Placement placement_;
  const PlanContext& context_;
  const Target& target_;
  Layout layout_;
};

}  // namespace

Layout emit(const Graph& graph, const Usage& usage, Placement placement, const PlanContext& context) {
  return Emission(graph, usage, std::move(placement), context).run();
}

}  // namespace pt
