#include <algorithm>
#include <set>

#include "core/error.h"
#include "ops/axes.h"
#include "ops/copy/plan.h"
#include "program/guarded.h"
#include "program/layout.h"
#include "program/usage.h"

namespace pt {
namespace {

int64_t bytes_of(const TensorType& type) { return count(type.shape) * static_cast<int64_t>(size_of(type.dtype)); }

class Lowering {
 public:
  Lowering(const Graph& graph, const PlanContext& context)
      : graph_(graph), context_(context), usage_(usage_of(graph)), places_(graph.values.size()) {}

  Layout run() {
    place_sources();
    layout_.slot_written.assign(graph_.slots.size(), false);
    for (const SlotWrite& write : graph_.writes) layout_.slot_written[write.slot] = true;
    layout_.phases.resize(graph_.phases);
    std::size_t next = 0;
    for (int phase = 0; phase < graph_.phases; ++phase) lower_phase(phase, next);
    finish_results();
    return std::move(layout_);
  }

 private:
  int add_storage(Home home, int index, int64_t bytes) {
    Storage storage;
    storage.home = home;
    storage.index = index;
    storage.bytes = bytes;
    layout_.storages.push_back(storage);
    return static_cast<int>(layout_.storages.size()) - 1;
  }

  void place_sources() {
    slot_storage_.resize(graph_.slots.size());
    for (std::size_t s = 0; s < graph_.slots.size(); ++s) {
      slot_storage_[s] = add_storage(Home::Slot, static_cast<int>(s), bytes_of(graph_.slots[s]->type()));
    }
    for (std::size_t v = 0; v < graph_.values.size(); ++v) {
      const Value& value = graph_.values[v];
      Place& place = places_[v];
      place.strides = row_major(value.type.shape);
      if (value.origin == Origin::Input) place.storage = add_storage(Home::Input, value.index, bytes_of(value.type));
      if (value.origin == Origin::Slot) place.storage = slot_storage_[value.index];
      if (value.origin == Origin::Constant) {
        place.storage = add_storage(Home::Constant, value.index, bytes_of(value.type));
        place.strides = graph_.constants[value.index].strides();
      }
    }
    result_of_.assign(graph_.values.size(), -1);
    layout_.result_storage.assign(graph_.results.size(), -1);
    for (std::size_t r = 0; r < graph_.results.size(); ++r) {
      const Value& value = graph_.values[graph_.results[r]];
      const bool own = value.origin == Origin::Node && !aliases_input(graph_.nodes[value.index]);
      layout_.result_storage[r] = add_storage(Home::Result, static_cast<int>(r), bytes_of(value.type));
      if (own && result_of_[graph_.results[r]] < 0) result_of_[graph_.results[r]] = static_cast<int>(r);
    }
  }

  // A slot whose old value is needed after it is overwritten: that value is copied before anything else happens.
  void take_snapshots() {
    for (std::size_t s = 0; s < graph_.slots.size(); ++s) {
      const int old = graph_.slot_values[s];
      if (!usage_.snapshot[s] || old < 0) continue;
      Place kept = fresh(graph_.values[old].type);
      emit_copy(graph_.values[old].type, places_[old], kept, 0, false);
      places_[old] = kept;
    }
  }

  void lower_phase(int phase, std::size_t& next) {
    PlannedPhase& planned = layout_.phases[phase];
    planned.begin = static_cast<int>(layout_.launches.size());
    if (phase == 0) take_snapshots();
    planned.guarded = usage_.guard_of[phase] >= 0;
    planned.skips = planned.guarded && graph_.nodes[usage_.guard_of[phase]].attrs.flag("skip");
    planned.guard = -1;
    for (; next < graph_.nodes.size() && graph_.nodes[next].phase == phase; ++next) {
      lower_node(static_cast<int>(next));
      if (static_cast<int>(next) == usage_.guard_of[phase]) planned.guard = static_cast<int>(layout_.launches.size());
    }
    if (planned.guard < 0) planned.guard = static_cast<int>(layout_.launches.size());
    for (const SlotWrite& write : graph_.writes) {
      if (write.phase != phase) continue;
      planned.writes = true;
      if (usage_.in_place[write.value] == write.slot) continue;
      const TensorType& type = graph_.values[write.value].type;
      emit_copy(type, places_[write.value], Place{slot_storage_[write.slot], 0, row_major(type.shape)}, phase, true);
    }
    planned.end = static_cast<int>(layout_.launches.size());
  }

  void finish_results() {
    for (std::size_t r = 0; r < graph_.results.size(); ++r) {
      const int value = graph_.results[r];
      if (result_of_[value] == static_cast<int>(r) && places_[value].storage == layout_.result_storage[r]) continue;
      const TensorType& type = graph_.values[value].type;
      emit_copy(type, places_[value], Place{layout_.result_storage[r], 0, row_major(type.shape)}, graph_.phases - 1,
                false);
    }
    layout_.phases.back().end = static_cast<int>(layout_.launches.size());
  }

  Place fresh(const TensorType& type) {
    return {add_storage(Home::Arena, 0, bytes_of(type)), 0, row_major(type.shape)};
  }

  Operand operand_of(int value) const {
    if (value < 0) return {DType::Bool, {0}, {1}};
    return {graph_.values[value].type.dtype, graph_.values[value].type.shape, places_[value].strides};
  }
  PlacedOperand placed(int value) const {
    if (value < 0) return {-1, 0};
    const Place& place = places_[value];
    return {place.storage, place.offset * static_cast<int64_t>(size_of(graph_.values[value].type.dtype))};
  }

  void emit(LaunchPlan plan, const std::vector<PlacedOperand>& operands, int node, const std::string& name, int phase,
            bool commits, const std::vector<bool>& skip = {}) {
    std::vector<PlacedOperand> all = operands;
    int workspace = -1;
    if (plan.workspace_bytes > 0) {
      workspace = add_storage(Home::Arena, 0, plan.workspace_bytes);
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

  void emit_copy(const TensorType& type, const Place& from, const Place& to, int phase, bool commits) {
    if (count(type.shape) == 0) return;
    const auto size = static_cast<int64_t>(size_of(type.dtype));
    emit(plan_copy({type.dtype, type.shape, from.strides}, {type.dtype, type.shape, to.strides}),
         {{from.storage, from.offset * size}, {to.storage, to.offset * size}}, -1, "copy", phase, commits);
  }

  // A copy of the value that lies row-major in memory of its own; the value itself if it already does.
  Place row_major_place(int value, int phase) {
    const TensorType& type = graph_.values[value].type;
    return is_row_major(type.shape, places_[value].strides) ? places_[value] : copied_place(value, phase);
  }

  Place copied_place(int value, int phase) {
    const TensorType& type = graph_.values[value].type;
    Place copy = fresh(type);
    emit_copy(type, places_[value], copy, phase, false);
    return copy;
  }

  void lower_view(int n) {
    const GraphNode& node = graph_.nodes[n];
    const int input = node.inputs[0];
    Operand source = operand_of(input);
    Place place = places_[input];
    // Between complex numbers and their parts elements have other sizes.
    const auto from = static_cast<int64_t>(size_of(source.dtype));
    const auto to = static_cast<int64_t>(size_of(graph_.values[node.outputs[0]].type.dtype));
    std::optional<View> view = node.op->view(source, node.attrs);
    if (!view || place.offset * from % to != 0) {
      place = copied_place(input, node.phase);
      source.strides = place.strides;
      view = node.op->view(source, node.attrs);
    }
    places_[node.outputs[0]] = {place.storage, place.offset * from / to + view->offset, view->strides};
  }

  // Memory for an output of node n: a slot, a result, the flat gradient, an operand that dies here, or the arena.
  Place home_of(int n, int output) {
    const TensorType& type = graph_.values[output].type;
    Place place{-1, 0, row_major(type.shape)};
    if (usage_.in_place[output] >= 0) {
      place.storage = slot_storage_[usage_.in_place[output]];
    } else if (usage_.pack_of[output] >= 0) {
      place.storage = pack_piece(usage_.pack_of[output], output);
    } else if (const std::optional<Place> part = part_of_concat(output)) {
      place = *part;
    } else if (result_of_[output] >= 0) {
      place.storage = layout_.result_storage[result_of_[output]];
    } else {
      place.storage = dying_operand(n, output);
      if (place.storage < 0) place.storage = add_storage(Home::Arena, 0, bytes_of(type));
    }
    return place;
  }

  int dying_operand(int n, int output) {
    const GraphNode& node = graph_.nodes[n];
    const TensorType& type = graph_.values[output].type;
    if (!plain_elementwise(node) || node.phase != graph_.nodes[n].phase) return -1;
    for (int input : node.inputs) {
      if (input < 0) continue;
      const TensorType& other = graph_.values[input].type;
      const Place& place = places_[input];
      const Storage& storage = layout_.storages[place.storage];
      const bool whole = other.shape == type.shape && size_of(other.dtype) == size_of(type.dtype) &&
                         place.offset == 0 && is_row_major(other.shape, place.strides);
      if (!whole || storage.home != Home::Arena || storage.parent >= 0 || storage.bytes != bytes_of(type)) continue;
      if (usage_.last_read[usage_.root[input]] != n || taken_[place.storage] == n + 1) continue;
      const bool seen_otherwise = std::any_of(node.inputs.begin(), node.inputs.end(), [&](int other_input) {
        return other_input >= 0 && other_input != input && places_[other_input].storage == place.storage;
      });
      if (seen_otherwise) continue;
      taken_[place.storage] = n + 1;
      return place.storage;
    }
    return -1;
  }

  int pack_storage(int pack) {
    const int output = graph_.nodes[pack].outputs[0];
    if (places_[output].storage < 0) {
      places_[output].strides = row_major(graph_.values[output].type.shape);
      const bool result = result_of_[output] >= 0;
      places_[output].storage = result ? layout_.result_storage[result_of_[output]]
                                       : add_storage(Home::Arena, 0, bytes_of(graph_.values[output].type));
    }
    return places_[output].storage;
  }

  int pack_piece(int pack, int value) {
    const GraphNode& node = graph_.nodes[pack];
    const auto found =
        std::find_if(node.inputs.begin(), node.inputs.end(), [&](int input) { return usage_.whole[input] == value; });
    const auto at = static_cast<std::size_t>(found - node.inputs.begin());
    const TensorType& type = graph_.values[value].type;
    const int storage = add_storage(Home::Arena, 0, bytes_of(type));
    const int parent = pack_storage(pack);
    layout_.storages[storage].parent = parent;
    layout_.storages[storage].home = layout_.storages[parent].home;
    layout_.storages[storage].index = layout_.storages[parent].index;
    layout_.storages[storage].parent_offset =
        node.attrs.ints("offsets")[at] * static_cast<int64_t>(size_of(type.dtype));
    return storage;
  }

  // Where a value lies in the result of the concat that alone wants it; nowhere if its axes do not fit into that, or if
  // its maker gave the result another shape.
  std::optional<Place> part_of_concat(int value) {
    const int n = usage_.concat_of[value];
    if (n < 0) return std::nullopt;
    const GraphNode& node = graph_.nodes[n];
    const int whole = node.outputs[0];
    const TensorType& type = graph_.values[whole].type;
    const int axis = normal_axis(node.attrs.integer("axis"), type.shape.size(), "concat");
    const Strides strides = row_major(type.shape);
    int64_t begin = 0;
    for (int input : node.inputs) {
      const Shape& shape = graph_.values[input].type.shape;
      if (usage_.whole[input] == value) {
        const Ints wanted(graph_.values[value].type.shape.begin(), graph_.values[value].type.shape.end());
        const std::optional<View> view = find_op("reshape").view({type.dtype, shape, strides}, {{"shape", wanted}});
        if (!view) return std::nullopt;
        if (places_[whole].storage < 0) places_[whole] = home_of(n, whole);
        joined_.insert({n, input});
        return Place{places_[whole].storage, places_[whole].offset + begin * strides[axis], view->strides};
      }
      begin += shape[axis];
    }
    return std::nullopt;
  }

  void lower_node(int n) {
    taken_.resize(layout_.storages.size() + graph_.values.size() + 64, 0);
    const GraphNode& node = graph_.nodes[n];
    if (node.op && node.op->view) return lower_view(n);
    std::vector<Operand> in, out;
    std::vector<PlacedOperand> operands;
    for (int input : node.inputs) {
      if (input >= 0 && node.op && node.op->contiguous) {
        const Place place = row_major_place(input, node.phase);
        in.push_back({graph_.values[input].type.dtype, graph_.values[input].type.shape, place.strides});
        operands.push_back({place.storage, place.offset * static_cast<int64_t>(size_of(in.back().dtype))});
        continue;
      }
      in.push_back(operand_of(input));
      operands.push_back(placed(input));
    }
    if (node.op && node.op->passes_through) {
      places_[node.outputs[0]] = places_[node.inputs[0]];
      if (!node.op->guard)
        return emit(node.op->plan(in, out, node.attrs, context_), operands, n, node.op->name, node.phase, false);
      const Value& value = graph_.values[node.inputs[0]];
      const bool packed =
          value.origin == Origin::Node && graph_.nodes[value.index].op && graph_.nodes[value.index].op->name == "pack";
      for (const GuardedPiece& piece : pieces_to_guard(layout_, node.phase, in[0], operands[0], packed))
        emit(node.op->plan(std::span(&piece.operand, 1), out, node.attrs, context_), {piece.at}, n, node.op->name,
             node.phase, false);
      return;
    }
    bool commits = false, empty = true;
    for (int output : node.outputs) {
      const bool pack = node.op && node.op->name == "pack" && usage_.in_place[output] < 0;
      if (pack) pack_storage(n);
      if (!pack && places_[output].storage < 0) places_[output] = home_of(n, output);
      commits = commits || usage_.in_place[output] >= 0;
      empty = empty && count(graph_.values[output].type.shape) == 0;
      out.push_back(operand_of(output));
      operands.push_back(placed(output));
    }
    if (empty) return;
    if (node.fused) return emit_fused(n, in, out, operands, commits);
    if (node.op->rewrites && operands[0] != operands.back()) {
      emit(plan_copy(in[0], out[0]), {operands[0], operands.back()}, n, node.op->name, node.phase, commits);
    }
    std::vector<bool> skip;
    if (node.op->name == "pack") {
      for (int input : node.inputs) skip.push_back(usage_.pack_of[usage_.whole[input]] == n);
    }
    LaunchPlan plan = node.op->plan(in, out, node.attrs, context_);
    if (node.op->name == "concat") {
      for (const Launch& launch : plan.launches)
        skip.push_back(joined_.count({n, node.inputs[static_cast<std::size_t>(launch.operands[0])]}) > 0);
    }
    emit(std::move(plan), operands, n, node.op->name, node.phase, commits, skip);
  }

  void emit_fused(int n, const std::vector<Operand>& in, const std::vector<Operand>& out,
                  const std::vector<PlacedOperand>& operands, bool commits) {
    const GraphNode& node = graph_.nodes[n];
    FusedProgram program = *node.fused;
    const Shape& space = program.extents;
    // The inputs of a product come first; its result stands in their place as the program's first operand.
    const std::size_t own = node.op ? in.size() - static_cast<std::size_t>(program.inputs) + 1 : 0;
    const std::vector<Operand> read(in.begin() + static_cast<std::ptrdiff_t>(own), in.end());
    std::size_t i = node.op ? 1 : 0;
    const std::vector<Operand> written =
        node.pooling ? std::vector<Operand>{{DType::F32, space, row_major(space)}} : out;
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
    if (!node.op)
      return emit(lower_fused(program, context_.threads), operands, n, "fused " + parts, node.phase, commits);
    const TensorType result{program.operands[0].dtype, space};
    program.operands[0] = {compute_dtype(result.dtype), row_major(space)};  // rounded to the result's, but not stored
    const std::span<const Operand> inputs(in.data(), own);
    LaunchPlan plan = node.pooling ? node.op->plan_pooling(inputs, result, program, node.attrs, *node.pooling, context_)
                                   : node.op->plan_epilogue(inputs, result, program, node.attrs, context_);
    emit(std::move(plan), operands, n, node.op->name + " -> " + parts, node.phase, commits);
  }

  const Graph& graph_;
  const PlanContext& context_;
  Usage usage_;
  Layout layout_;
  std::vector<Place> places_;
  std::vector<int> slot_storage_;
  std::vector<int> result_of_;            // per value: the result that it is written to directly
  std::vector<int> taken_;                // per storage: the node that took it over, + 1
  std::set<std::pair<int, int>> joined_;  // concats and those of their inputs that lie where these want them
};

}  // namespace

Layout lower(const Graph& graph, const PlanContext& context) {
  Layout layout = Lowering(graph, context).run();
  assign_arena(layout);
  return layout;
}

}  // namespace pt
