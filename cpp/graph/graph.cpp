#include "graph/graph.h"

#include <algorithm>

#include "core/error.h"

namespace pt {

std::vector<int> count_readers(const Graph& graph) {
  std::vector<int> readers(graph.values.size(), 0);
  for (const GraphNode& node : graph.nodes) {
    for (int input : node.inputs) {
      if (input >= 0) ++readers[input];
    }
  }
  for (int result : graph.results) ++readers[result];
  for (const SlotWrite& write : graph.writes) ++readers[write.value];
  return readers;
}

SlotRef moved_piece(const Graph& graph) {
  for (const Piece& piece : graph.pieces) {
    SlotRef slot = piece.slot.lock();
    if (slot && slot->base() != piece.home) return slot;
  }
  return nullptr;
}

bool has_effects(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const GraphNode& node) { return node.op && node.op->has_effect(); });
}

bool renames_memory(const Graph& graph, const GraphNode& node) {
  if (!node.op || !node.op->view || node.op->reads_slot) return false;
  const TensorType& in = graph.values[node.inputs[0]].type;
  const TensorType& out = graph.values[node.outputs[0]].type;
  if (count(in.shape) != count(out.shape)) return false;
  const std::optional<View> view = node.op->view({in.dtype, in.shape, row_major(in.shape)}, node.attrs);
  return view && view->offset == 0 && is_row_major(out.shape, view->strides);
}

std::string to_string(const Graph& graph) {
  std::ostringstream out;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    for (int output : node.outputs) out << "%" << output << ":" << graph.values[output].type << " ";
    out << "= ";
    if (node.op) out << node.op->name;
    for (std::size_t i = 0; i < node.names.size(); ++i) out << (i || node.op ? "+" : "") << node.names[i];
    for (int input : node.inputs) out << " %" << input;
    const std::string attrs = to_string(node.attrs);
    if (!attrs.empty()) out << " {" << attrs << "}";
    out << "  phase " << node.phase << "\n";
  }
  return out.str();
}

}  // namespace pt
