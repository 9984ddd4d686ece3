// What verify finds in graphs that a pass has broken, and that a check survives passes.
#include "check.h"
#include "graph/graph.h"
#include "graph/passes/passes.h"
#include "graph/trace.h"
#include "ops/functional.h"

namespace pt {
namespace {

// y = exp(x) + x, written to a slot.
Graph sound() {
  Trace trace;
  TraceScope scope(&trace);
  const Tensor x = trace.input({DType::F32, {3}});
  const SlotRef slot = Slot::make(Tensor::full({DType::F32, {3}}, 0), "total", false);
  const Tensor y = fn::call("exp", {x}) + x;
  trace.write(slot, y);
  return trace.finish({y});
}

void broken(const char* message, void (*breaks)(Graph&)) {
  Graph graph = sound();
  verify(graph, "the test");
  breaks(graph);
  CHECK_THROWS(verify(graph, "the test"), Error,
               text("[graph] ", message, "; look at the test, which made this graph"));
}

void broken_graphs() {
  broken("node 0 (add) reads value 2 before it is made; expected an earlier node to make it",
         [](Graph& g) { g.nodes.erase(g.nodes.begin()); });
  broken("value 2 of node 1 (exp) is made twice or names another maker; expected one maker",
         [](Graph& g) { g.nodes.insert(g.nodes.begin(), g.nodes[0]); });
  broken("result 3 is never made; expected a value", [](Graph& g) { g.nodes.pop_back(); });
  broken("output 0 of node 0 (exp) is f32[4]; expected f32[3]", [](Graph& g) { g.values[2].type.shape = {4}; });
  broken("node 1 (add) is of phase 1; expected nodes in the order of their phases",
         [](Graph& g) { g.nodes[1].phase = 1; });
  broken("slot total is written in phase 0 from value 3, which is not made by then; expected an earlier one",
         [](Graph& g) { g.phases = 2, g.nodes[1].phase = 1; });
  broken("slot total f32[3] is written from f32[3, 1]; expected its own type", [](Graph& g) {
    g.slots[0] = Slot::make(Tensor::full({DType::F32, {3}}, 0), "total", false);
    g.values.push_back({{DType::F32, {3, 1}}, Origin::Input, 1});
    g.inputs.push_back(static_cast<int>(g.values.size()) - 1);
    g.writes[0].value = g.inputs.back();
  });
  broken("value 0 is an input, slot or constant that the graph does not have; expected one of its own",
         [](Graph& g) { g.inputs.clear(); });
}

int calls_of(const Graph& graph, const char* op) {
  int calls = 0;
  for (const GraphNode& node : graph.nodes) calls += node.op && node.op->name == op;
  return calls;
}

// Of two calls that nobody reads, one look at the indices is left.
void checks_survive() {
  Trace trace;
  TraceScope scope(&trace);
  const Tensor x = trace.input({DType::F32, {3, 4}}), index = trace.input({DType::I64, {2}});
  fn::call("take", {x, index}, {{"axis", int64_t{0}}});
  fn::call("take", {x + x, index}, {{"axis", int64_t{0}}});
  const Graph graph = trace.finish({fn::call("exp", {x})});
  for (const Graph& now : {graph, simplify(graph, true), fuse(simplify(graph, true), current_target())}) {
    CHECK_EQ(calls_of(now, "check_index"), 1);
    CHECK_EQ(calls_of(now, "take"), 0);
  }
}

void no_look_beside_a_call_that_looks() {
  Trace trace;
  TraceScope scope(&trace);
  const Tensor x = trace.input({DType::F32, {3, 4}}), index = trace.input({DType::I64, {2}});
  fn::call("take", {x + x, index}, {{"axis", int64_t{0}}});
  const Graph graph = trace.finish({fn::call("take", {x, index}, {{"axis", int64_t{0}}})});
  CHECK_EQ(calls_of(graph, "check_index"), 0);
  CHECK_EQ(calls_of(graph, "take"), 1);
}

}  // namespace
}  // namespace pt

int main() {
  pt::broken_graphs();
  pt::checks_survive();
  pt::no_look_beside_a_call_that_looks();
  return pt::check::finish();
}
