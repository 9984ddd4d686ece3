// The weights of a step in mixed precision are pieces of one slot, and each is cast. One cast of the slot, of which the
// cast weights are pieces, is one launch in place of many.
#include <map>
#include <tuple>

#include "graph/passes/passes.h"

namespace pt {
namespace {

constexpr std::size_t kFewest = 3;  // casts that are worth it, if they are of half the slot or more

struct Casts {
  std::vector<std::size_t> nodes;
  int64_t elements = 0;
  int made = -1;  // the value of the slot's cast, once it is there
};

class CastsOfSlots {
 public:
  explicit CastsOfSlots(const Graph& graph) : graph_(graph), reads_(count_readers(graph)), of_(graph.nodes.size()) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const GraphNode& node = graph.nodes[n];
      const GraphNode* piece =
          node.op && node.op->casts && node.recompute == 0 ? piece_of_slot(node.inputs[0]) : nullptr;
      if (!piece) continue;
      Casts& casts = found_[{piece->inputs[0], node.phase, graph.values[node.outputs[0]].type.dtype}];
      casts.nodes.push_back(n);
      casts.elements += count(graph.values[node.outputs[0]].type.shape);
    }
    for (auto& [key, casts] : found_) {
      if (casts.nodes.size() < kFewest || 2 * casts.elements < count(graph.values[std::get<0>(key)].type.shape))
        continue;
      for (std::size_t n : casts.nodes) {
        of_[n] = &casts;
        --reads_[graph.nodes[n].inputs[0]];  // what is left are others
      }
    }
  }

  Graph together() {
    Graph result = graph_;
    result.nodes.clear();
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const GraphNode& node = graph_.nodes[n];
      if (of_[n]) {
        replace(result, node, *of_[n]);
      } else if (!is_view(node) || reads_[node.outputs[0]] > 0) {
        append(result, node);
      }
    }
    return result;
  }

 private:
  static bool is_view(const GraphNode& node) { return node.op && node.op->view && !node.op->reads_slot; }

  // The view of a slot, as the step finds it, that makes a value; null for other values.
  const GraphNode* piece_of_slot(int value) const {
    if (graph_.values[value].origin != Origin::Node) return nullptr;
    const GraphNode& node = graph_.nodes[graph_.values[value].index];
    return is_view(node) && graph_.values[node.inputs[0]].origin == Origin::Slot ? &node : nullptr;
  }

  static void append(Graph& graph, GraphNode node) {
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      graph.values[node.outputs[i]].index = static_cast<int>(graph.nodes.size());
      graph.values[node.outputs[i]].output = static_cast<int>(i);
    }
    graph.nodes.push_back(std::move(node));
  }

  // The slot's cast if it is not there, then the same piece of that.
  void replace(Graph& result, const GraphNode& cast, Casts& casts) const {
    GraphNode piece = *piece_of_slot(cast.inputs[0]);
    if (casts.made < 0) {
      GraphNode whole = cast;
      const TensorType type{graph_.values[cast.outputs[0]].type.dtype, graph_.values[piece.inputs[0]].type.shape};
      casts.made = result.add_value(type, Origin::Node, 0);
      whole.inputs = piece.inputs;
      whole.outputs = {casts.made};
      append(result, std::move(whole));
    }
    piece.inputs = {casts.made};
    piece.outputs = cast.outputs;
    piece.phase = cast.phase;
    append(result, std::move(piece));
  }

  const Graph& graph_;
  std::vector<int> reads_;
  std::map<std::tuple<int, int, DType>, Casts> found_;
  std::vector<Casts*> of_;  // by node
};

}  // namespace

Graph cast_together(const Graph& graph, const Target& target) {
  return target.fusion_limits().casts_together ? CastsOfSlots(graph).together() : graph;
}

}  // namespace pt
