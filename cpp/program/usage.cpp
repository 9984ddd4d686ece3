#include "program/usage.h"

#include <algorithm>

namespace pt {

bool aliases_input(const GraphNode& node) { return node.op && (node.op->view || node.op->passes_through); }

bool plain_elementwise(const GraphNode& node) {
  if (node.op) return node.op->elementwise || node.op->sweeps;
  for (const FusedStep& step : node.fused->steps) {
    if (reduces_row(step.kind)) return false;
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
    if (node.op && node.op->reads_slot) continue;  // its input is what the slot was written from
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
  // Where the phase is left out, so is its maker, and others still read what that would have made.
  const bool skips = graph.nodes[usage.guard_of[write.phase]].attrs.flag("skip");
  const auto read_later = [&](int output) { return usage.last_read[usage.root[output]] > usage.last_of[write.phase]; };
  if (skips && std::any_of(maker.outputs.begin(), maker.outputs.end(), read_later)) return false;
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

// How many elements of a piece lie together in the whole.
int64_t run_of(const View& piece) {
  int64_t run = 1;
  for (int d = piece.shape.size() - 1; d >= 0; --d) {
    if (piece.shape[d] == 1) continue;
    if (piece.strides[d] != run) break;
    run *= piece.shape[d];
  }
  return run;
}

// Whether the node's kernel had better write a piece in the whole, where that is not one run. The fused machine writes
// short runs one by one: a copy of all of them costs less.
bool writes_runs(const GraphNode& node, const TensorType& type, int64_t run) {
  constexpr int64_t kLongRun = 64;  // bytes
  if (node.op && node.op->any_strides) return true;
  return (!node.op || node.op->elementwise) && run * static_cast<int64_t>(size_of(type.dtype)) >= kLongRun;
}

// Where a node begins to read element by element what it writes: behind the inputs of a product with an epilogue, whose
// sums are apart until then. Past the inputs for others. Of 16 bits some products add what they read to sums in place.
std::size_t first_swept(const GraphNode& node) {
  if (!node.op || !node.fused) return plain_elementwise(node) ? 0 : node.inputs.size();
  if (node.consumer || size_of(node.fused->operands[0].dtype) < 4) return node.inputs.size();
  return node.inputs.size() - static_cast<std::size_t>(node.fused->inputs) + 1;
}

// The input of a piece's maker whose memory the piece may take over, as that dies there; -1 if there is none. The
// whole is alive from then on, so it is not done for little.
int dies_in_piece(const Graph& graph, const Usage& usage, int piece) {
  constexpr int64_t kLeastBytes = 2 << 20;
  const TensorType& type = graph.values[piece].type;
  const int made_by = graph.values[piece].index;
  const GraphNode& maker = graph.nodes[made_by];
  if (count(type.shape) * static_cast<int64_t>(size_of(type.dtype)) < kLeastBytes) return -1;
  for (std::size_t i = first_swept(maker); i < maker.inputs.size(); ++i) {
    const int input = maker.inputs[i];
    if (input < 0 || graph.values[input].origin != Origin::Node || graph.values[input].type != type) continue;
    const GraphNode& node = graph.nodes[graph.values[input].index];
    const bool own = usage.root[input] == input && usage.whole[input] == input && !aliases_input(node);
    const bool free = usage.piece_of[input].node < 0 && usage.in_place[input] < 0;
    const bool once = std::count_if(maker.inputs.begin(), maker.inputs.end(),
                                    [&](int other) { return other >= 0 && usage.root[other] == input; }) == 1;
    if (own && free && once && node.phase == maker.phase && usage.last_read[input] == made_by) return input;
  }
  return -1;
}

// Tensors that only exist to be joined, like gradients that go into the flat gradient, are written where the whole
// wants them.
void plan_pieces(const Graph& graph, Usage& usage) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    if (!node.op || !node.op->joins_pieces) continue;
    const TensorType& whole = graph.values[node.outputs[0]].type;
    Types types;
    for (int input : node.inputs) types.push_back(graph.values[input].type);
    const std::vector<View> places = node.op->joins_pieces(types, whole, node.attrs);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const int source = usage.whole[node.inputs[i]];
      const Value& value = graph.values[source];
      if (value.origin != Origin::Node || aliases_input(graph.nodes[value.index])) continue;
      const bool twice = std::count_if(node.inputs.begin(), node.inputs.end(),
                                       [&](int other) { return usage.whole[other] == source; }) > 1;
      const bool free = usage.piece_of[source].node < 0 && usage.in_place[source] < 0;
      const int last = usage.last_read[usage.root[source]];
      if (twice || !free || last == kForever || value.type.dtype != whole.dtype) continue;
      const int64_t run = run_of(places[i]);
      const bool writes = last == static_cast<int>(n) && writes_runs(graph.nodes[value.index], value.type, run);
      if (run != count(places[i].shape) && !writes) continue;
      usage.piece_of[source] = {static_cast<int>(n), static_cast<int>(i), places[i]};
      if (const int input = run == count(places[i].shape) ? dies_in_piece(graph, usage, source) : -1; input >= 0)
        usage.piece_of[input] = usage.piece_of[source];
      // Later readers of the piece read the whole's memory.
      int& last_of_whole = usage.last_read[node.outputs[0]];
      last_of_whole = std::max(last_of_whole, last);
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
  usage.piece_of.assign(graph.values.size(), {});
  plan_writes(graph, usage);
  plan_pieces(graph, usage);
  return usage;
}

}  // namespace pt
