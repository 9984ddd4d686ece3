// What every graph keeps to, whoever made it.
#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "graph/graph.h"
#include "graph/region.h"

namespace pt {
namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, std::string_view maker)
      : graph_(graph), maker_(maker), made_in_(graph.values.size(), kNever) {}

  void run() {
    for (std::size_t v = 0; v < graph_.values.size(); ++v) source(static_cast<int>(v));
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) node(n);
    for (int result : graph_.results) {
      if (made_in_[result] == kNever) fail("result ", result, " is never made; expected a value");
    }
    for (const SlotWrite& write : graph_.writes) assignment(write);
  }

 private:
  static constexpr int kNever = -1;  // a phase

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(text("[graph] ", parts..., "; look at ", maker_, ", which made this graph"));
  }
  std::string name_of(std::size_t n) const {
    return text("node ", n, " (", graph_.nodes[n].op ? graph_.nodes[n].op->name : "fused", ")");
  }

  void source(int v) {
    const Value& value = graph_.values[v];
    if (value.origin == Origin::Node) return;
    const auto at = static_cast<std::size_t>(value.index);
    const bool known = value.origin == Origin::Input ? at < graph_.inputs.size() && graph_.inputs[at] == v
                       : value.origin == Origin::Slot
                           ? at < graph_.slots.size() && graph_.slot_values[at] == v
                           : at < graph_.constants.size() && graph_.constants[at].type() == value.type;
    if (!known)
      fail("value ", v, " is an input, slot or constant that the graph does not have; expected one of its own");
    made_in_[v] = 0;
  }

  void node(std::size_t n) {
    const GraphNode& node = graph_.nodes[n];
    if (node.phase < (n ? graph_.nodes[n - 1].phase : 0) || node.phase >= graph_.phases)
      fail(name_of(n), " is of phase ", node.phase, "; expected nodes in the order of their phases");
    reads(n, node.inputs);
    if (node.region) {
      reads(n, node.region->inputs);
      reads(n, node.region->captured);
    }
    for (int output : node.outputs) {
      const Value& value = graph_.values[output];
      if (made_in_[output] != kNever || value.origin != Origin::Node || value.index != static_cast<int>(n))
        fail("value ", output, " of ", name_of(n), " is made twice or names another maker; expected one maker");
      made_in_[output] = node.phase;
    }
    if (node.op && !node.fused) types(n);
  }

  void reads(std::size_t n, const std::vector<int>& values) const {
    for (int value : values) {
      if (value >= 0 && made_in_[value] == kNever)
        fail(name_of(n), " reads value ", value, " before it is made; expected an earlier node to make it");
    }
  }

  void types(std::size_t n) const {
    const GraphNode& node = graph_.nodes[n];
    Types in;
    std::vector<char> given;
    for (int input : node.inputs) {
      in.push_back(input < 0 ? TensorType{DType::Bool, {}} : graph_.values[input].type);
      given.push_back(input >= 0);
    }
    const std::span<const bool> flags(reinterpret_cast<const bool*>(given.data()), given.size());
    const Types made = node.op->infer({*node.op, in, flags, node.attrs});
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const TensorType& type = graph_.values[node.outputs[i]].type;
      if (i >= made.size() || !(made[i] == type))
        fail("output ", i, " of ", name_of(n), " is ", type, "; expected ", i < made.size() ? text(made[i]) : "none");
    }
  }

  void assignment(const SlotWrite& write) const {
    const SlotRef& slot = graph_.slots[write.slot];
    if (made_in_[write.value] == kNever || made_in_[write.value] > write.phase)
      fail("slot ", slot->name, " is written in phase ", write.phase, " from value ", write.value,
           ", which is not made by then; expected an earlier one");
    if (!(graph_.values[write.value].type == slot->type()))
      fail("slot ", slot->name, " ", slot->type(), " is written from ", graph_.values[write.value].type,
           "; expected its own type");
  }

  const Graph& graph_;
  const std::string_view maker_;
  std::vector<int> made_in_;  // by value: the phase, or kNever
};

}  // namespace

void verify(const Graph& graph, std::string_view maker) { Verifier(graph, maker).run(); }

Graph verified(Graph graph, std::string_view maker) {
  static const bool on = [] {
    const char* setting = std::getenv("POWERTRAIN_VERIFY");
    return setting && *setting && std::strcmp(setting, "0") != 0;
  }();
  if (on) verify(graph, maker);
  return graph;
}

}  // namespace pt
