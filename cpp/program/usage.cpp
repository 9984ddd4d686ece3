#include "program/usage.h"

#include <algorithm>

#include "ops/axes.h"

namespace pt {

bool aliases_input(const GraphNode& node) { return node.op && (node.op->view || node.op->passes_through); }

bool plain_elementwise(const GraphNode& node) {
  if (node.op) return node.op->elementwise || node.op->sweeps;
  for (const FusedStep& step : node.fused->steps) {
    if (step.kind == StepKind::RowSum || step.kind == StepKind::RowMax || step.kind == StepKind::RowMin) return false;
  }
  return true;
}

namespace {

void find_reads(const Graph& graph, Usage& usage) {
  usage.root.resize(graph.values.size());
  usage.last_read.assign(graph.values.size(), -1);
  for (std::size_t v = 0; v < graph.values.size(); ++v) usage.root[v] = static_cast<int>(v);
  usage.whole = usage.root;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    if (aliases_input(node)) usage.root[node.outputs[0]] = usage.root[node.inputs[0]];
    if (renames_memory(graph, node)) usage.whole[node.outputs[0]] = usage.whole[node.inputs[0]];
    for (int input : node.inputs) {
      if (input >= 0) usage.last_read[usage.root[input]] = static_cast<int>(n);
    }
  }
  for (int result : graph.results) usage.last_read[usage.root[result]] = kForever;
}

// Whether the node that makes `value` may write it straight into the slot.
bool writes_in_place(const Graph& graph, const Usage& usage, const SlotWrite& write) {
  const Value& value = graph.values[write.value];
  if (value.origin != Origin::Node || usage.guard_of[write.phase] < 0) return false;
  const GraphNode& maker = graph.nodes[value.index];
  if (aliases_input(maker) || value.index <= usage.guard_of[write.phase] || maker.phase != write.phase) return false;
  const int old = graph.slot_values[write.slot];
  const bool rewrites = maker.op && maker.op->rewrites && maker.inputs[0] == old;
  if (!(plain_elementwise(maker) || rewrites) || usage.last_read[usage.root[write.value]] == kForever) return false;
  if (value.type != graph.slots[write.slot]->type()) return false;
  if (old < 0) return true;
  if (rewrites && std::count(maker.inputs.begin(), maker.inputs.end(), old) > 1) return false;
  if (usage.last_read[old] > value.index) return false;
  // The maker may read the old value itself, element by element; not another piece of the same memory.
  return std::none_of(maker.inputs.begin(), maker.inputs.end(),
                      [&](int input) { return input >= 0 && input != old && usage.root[input] == old; });
}

void plan_writes(const Graph& graph, Usage& usage) {
  std::vector<int> writes(graph.slots.size(), 0);
  for (const SlotWrite& write : graph.writes) ++writes[write.slot];
  for (const SlotWrite& write : graph.writes) {
    if (writes[write.slot] == 1 && usage.in_place[write.value] < 0 && writes_in_place(graph, usage, write)) {
      usage.in_place[write.value] = write.slot;
    }
  }
  // The others are copied when the phase commits: until then nobody takes over their memory.
  for (const SlotWrite& write : graph.writes) {
    if (usage.in_place[write.value] != write.slot) usage.last_read[usage.root[write.value]] = kForever;
  }
  for (const SlotWrite& write : graph.writes) {
    const int old = graph.slot_values[write.slot];
    if (old < 0) continue;
    bool late = usage.last_read[old] == kForever || usage.last_read[old] > usage.last_of[write.phase];
    for (const SlotWrite& other : graph.writes) late = late || usage.root[other.value] == old;
    if (late) usage.snapshot[write.slot] = true;
  }
}

// Gradients that only exist to be packed are written where the pack wants them.
void plan_packs(const Graph& graph, Usage& usage) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    if (!node.op || node.op->name != "pack") continue;
    std::vector<int> sources;
    for (int input : node.inputs) sources.push_back(usage.whole[input]);
    for (int source : sources) {
      const Value& value = graph.values[source];
      if (value.origin != Origin::Node || aliases_input(graph.nodes[value.index])) continue;
      if (graph.nodes[value.index].op && graph.nodes[value.index].op->name == "pack") continue;
      const bool twice = std::count(sources.begin(), sources.end(), source) > 1;
      if (usage.pack_of[source] < 0 && !twice && usage.last_read[source] != kForever && usage.in_place[source] < 0) {
        usage.pack_of[source] = static_cast<int>(n);
      }
    }
  }
}

// Whether the node's kernel may write a piece of another tensor's memory, of which `run` elements at a time lie
// together. The fused machine writes short runs one by one: a copy of all of them costs less.
bool writes_pieces(const GraphNode& node, const TensorType& piece, int64_t run) {
  constexpr int64_t kLongRun = 64;  // bytes
  if (node.op && node.op->any_strides) return true;
  const bool together = run == count(piece.shape) || run * static_cast<int64_t>(size_of(piece.dtype)) >= kLongRun;
  return (!node.op || node.op->elementwise) && together;
}

// Tensors that only exist to be joined are written where the whole wants them.
void plan_concats(const Graph& graph, Usage& usage) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    if (!node.op || node.op->name != "concat") continue;
    const int ndim = graph.values[node.outputs[0]].type.shape.size();
    const int axis = normal_axis(node.attrs.integer("axis"), ndim, "concat");
    for (int input : node.inputs) {
      const int source = usage.whole[input];
      const Value& value = graph.values[source];
      const TensorType& piece = graph.values[input].type;
      int64_t run = 1;
      for (int d = axis; d < ndim; ++d) run *= piece.shape[d];
      if (value.origin != Origin::Node || !writes_pieces(graph.nodes[value.index], piece, run)) continue;
      const bool twice = std::count_if(node.inputs.begin(), node.inputs.end(),
                                       [&](int other) { return usage.whole[other] == source; }) > 1;
      // Later readers would find what the whole's memory holds by then.
      const bool joined_last = usage.last_read[usage.root[source]] == static_cast<int>(n);
      const bool free = usage.concat_of[source] < 0 && usage.pack_of[source] < 0 && usage.in_place[source] < 0;
      if (!twice && joined_last && free && value.type.dtype == graph.values[node.outputs[0]].type.dtype)
        usage.concat_of[source] = static_cast<int>(n);
    }
  }
}

}  // namespace

Usage usage_of(const Graph& graph) {
  Usage usage;
  find_reads(graph, usage);
  usage.guard_of.assign(graph.phases, -1);
  usage.last_of.assign(graph.phases, -1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    usage.last_of[node.phase] = static_cast<int>(n);
    if (node.op && node.op->guard) usage.guard_of[node.phase] = static_cast<int>(n);
  }
  usage.in_place.assign(graph.values.size(), -1);
  usage.snapshot.assign(graph.slots.size(), false);
  usage.pack_of.assign(graph.values.size(), -1);
  usage.concat_of.assign(graph.values.size(), -1);
  plan_writes(graph, usage);
  plan_packs(graph, usage);
  plan_concats(graph, usage);
  return usage;
}

}  // namespace pt
