// The graph that passes transform: values in single assignment, nodes in an order that respects their dependences.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/slot.h"
#include "ops/fused/machine.h"
#include "ops/rewrite.h"

namespace pt {

enum class Origin { Input, Slot, Constant, Node };

struct Value {
  TensorType type;
  Origin origin;
  int index;       // of the input, slot, constant or node
  int output = 0;  // of the node
};

// What a gradient goes through in place of a node's inputs, in a graph that becomes part of another one.
struct GraphRegion {
  std::vector<int> inputs, captured;  // value numbers
  std::shared_ptr<const Region> region;
};

struct GraphConsumer {
  const Op& op;
  Attrs attrs;
};

// A node whose op is null runs a program of the fused machine; its operands are the node's inputs, then its outputs.
struct GraphNode : GraphCall {
  std::shared_ptr<const FusedProgram> fused;  // of a fused node, or the epilogue of a product
  std::shared_ptr<const GraphRegion> region;
  int region_output = 0;
  // The op that reads the rows of an epilogue's one result as they are finished, if any.
  std::shared_ptr<const GraphConsumer> consumer;
  std::vector<std::string> names;  // the ops that a fused node replaces, for people
  std::string no_epilogue;         // why the elementwise program behind it is none, for people
};

struct SlotWrite {
  int slot;
  int value;
  int phase;
};

// A slot that was read or written as a piece of another one. Weak, since a program keeps no model alive.
struct Piece {
  std::weak_ptr<Slot> slot;
  SlotRef home;
};

struct Graph {
  std::vector<Value> values;
  std::vector<GraphNode> nodes;
  std::vector<SlotRef> slots;  // base slots that are read or written
  std::vector<Piece> pieces;   // of these
  std::vector<Tensor> constants;
  std::vector<int> inputs;       // value numbers
  std::vector<int> slot_values;  // the value of each slot at the start; -1 if never read
  std::vector<int> results;
  std::vector<SlotWrite> writes;  // at most one per slot and phase
  int phases = 1;                 // guards + 1

  int add_value(const TensorType& type, Origin origin, int index, int output = 0) {
    values.push_back({type, origin, index, output});
    return static_cast<int>(values.size()) - 1;
  }
};

// Per value, how often it is read: by nodes, as a result, into slots.
std::vector<int> count_readers(const Graph& graph);

// A piece that is no longer where the trace found it, or null. Then the graph is about memory that nobody uses.
SlotRef moved_piece(const Graph& graph);

// Whether a call in it may raise an error.
bool has_effects(const Graph& graph);

// Whether a node is a view of all of its row-major input in order: of the same memory, perhaps under another shape.
bool renames_memory(const Graph& graph, const GraphNode& node);

// Checks that every value is made once, before it is used, and is of the type that its op gives; throws Error naming
// the node, and who made the graph.
void verify(const Graph& graph, std::string_view maker);
// The graph, after that check where the environment has POWERTRAIN_VERIFY=1, as it does in tests.
Graph verified(Graph graph, std::string_view maker);
std::string to_string(const Graph& graph);

}  // namespace pt
