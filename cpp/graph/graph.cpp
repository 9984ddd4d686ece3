#include "graph/graph.h"

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

bool renames_memory(const Graph& graph, const GraphNode& node) {
  if (!node.op || !node.op->view) return false;
  const TensorType& in = graph.values[node.inputs[0]].type;
  const TensorType& out = graph.values[node.outputs[0]].type;
  if (count(in.shape) != count(out.shape)) return false;
  const std::optional<View> view = node.op->view({in.dtype, in.shape, row_major(in.shape)}, node.attrs);
  return view && view->offset == 0 && is_row_major(out.shape, view->strides);
}

void verify(const Graph& graph) {
  std::vector<bool> defined(graph.values.size(), false);
  for (std::size_t v = 0; v < graph.values.size(); ++v) defined[v] = graph.values[v].origin != Origin::Node;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    const std::string name = node.op ? node.op->name : "fused";
    for (int input : node.inputs) {
      if (input >= 0 && !defined[input]) {
        throw Error(text("[graph] node ", n, " (", name, ") reads value ", input,
                         " before it is made; expected an earlier node to make it; the last pass broke the order"));
      }
    }
    for (int output : node.outputs) {
      const Value& value = graph.values[output];
      if (defined[output] || value.origin != Origin::Node || value.index != static_cast<int>(n)) {
        throw Error(text("[graph] value ", output, " of node ", n, " (", name,
                         ") is made twice or names another maker; expected one maker; the last pass broke the graph"));
      }
      defined[output] = true;
    }
  }
  for (int result : graph.results) {
    if (!defined[result])
      throw Error(text("[graph] result ", result, " is never made; expected a value; the last pass dropped it"));
  }
  for (const SlotWrite& write : graph.writes) {
    if (!defined[write.value])
      throw Error(text("[graph] slot ", graph.slots[write.slot]->name, " is written from value ", write.value,
                       ", which is never made; the last pass dropped it"));
  }
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
