// Compositions as programs: what an eager call of layer_norm or softmax runs. A program is made at the second call with
// the same types and attributes, and only where the passes make one loop of several calls, or save some of them.
#include <algorithm>
#include <deque>
#include <map>

#include "core/error.h"
#include "graph/trace.h"
#include "ops/composition.h"
#include "ops/recorder.h"
#include "parallel/kernel_table.h"
#include "program/placement.h"
#include "program/program.h"

namespace pt {

namespace {

constexpr int kManyCalls = 3;           // of large tensors: less is not worth the memory that a program keeps
constexpr std::size_t kCallsKept = 16;  // of one op; the one that was used longest ago goes first

struct Call {
  Types types;  // of the inputs that were given, and others that the body depends on
  std::vector<char> given, needs;
  Attrs attrs;
  PlanContext context;
  friend bool operator==(const Call&, const Call&) = default;
};

struct Known final : KeptComposition {
  explicit Known(Call of) : call(std::move(of)) {}
  bool run(const Tensors& given, Tensors& results) override;

  Call call;
  bool refused = false;
  // By how many passes over large tensors the program has fewer than the calls, where it is nothing but loops.
  int saved_passes = 0;
  std::unique_ptr<Program> program;
  std::vector<char> results;  // which the body returns
};

// Every thread has its own, since a program runs once at a time. In the order of their last use by `run`.
struct Compositions {
  std::map<std::pair<const Op*, bool>, std::deque<std::shared_ptr<Known>>> known;
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  bool running = false;  // what a failing program calls once more to explain itself goes call by call
};
Compositions& compositions() {
  thread_local Compositions all;
  return all;
}

bool Known::run(const Tensors& given, Tensors& all) {
  bool& running = compositions().running;
  if (running) return false;
  const struct Over {
    bool& running;
    ~Over() { running = false; }
  } over{running = true};
  Tensors lines, made;
  for (const Tensor& t : given) lines.push_back(to_row_major(t));
  try {
    made = program->run(lines);
  } catch (const IndexError&) {
    return false;
  }
  std::size_t next = 0;
  for (char has : results) all.push_back(has ? std::move(made[next++]) : Tensor());
  return true;
}

Call call_of(const Composition& c) {
  Call call;
  for (const Tensor& t : c.inputs) {
    call.given.push_back(t.defined());
    if (t.defined()) call.types.push_back(t.type());
  }
  call.types.insert(call.types.end(), c.types.begin(), c.types.end());
  call.needs.assign(c.needs.begin(), c.needs.end());
  call.attrs = c.attrs;
  call.context = current_plan_context();
  return call;
}

bool has_inputs_of_a_program(const Composition& c) {
  return std::all_of(c.inputs.begin(), c.inputs.end(), [](const Tensor& t) { return !t.defined() || t.concrete(); });
}

// A program reads row-major memory, and calls take any strides. A copy of little costs less than many calls, and that
// of a large tensor a pass over it.
bool saves_its_copies(const Composition& c, const Known& known) {
  const auto copies = std::count_if(c.inputs.begin(), c.inputs.end(), [](const Tensor& t) {
    return t.defined() && !t.row_major() && bytes_of(t.type()) > kSmallBytes;
  });
  return copies == 0 || known.saved_passes > copies;
}

bool runs_eagerly(const Composition& c) {
  return !active_recorder() && tape_depth() == 0 && has_inputs_of_a_program(c);
}

bool is_loop(const GraphNode& node) { return !node.op || node.op->elementwise || node.op->reduces_rows; }

// A call that is its results alone, such as a sort or a product.
bool is_plain_call(const GraphNode& node) {
  const Op& op = *node.op;
  return op.has_kernel() && !op.has_effect() && !op.random && !op.failure && !op.rewrites && !op.passes_through &&
         !op.runs_parts;
}

// What a loop or such a call has made, or a view of it.
bool is_made(const Graph& graph, int value) {
  const Value& found = graph.values[value];
  if (found.origin != Origin::Node) return false;
  const GraphNode& node = graph.nodes[found.index];
  return is_loop(node) || (node.op->view ? is_made(graph, node.inputs[0]) : is_plain_call(node));
}

bool is_small(const Graph& graph) {
  int64_t bytes = 0;
  for (const Value& value : graph.values) {
    bytes += bytes_of(value.type);
    if (bytes > kSmallBytes) return false;
  }
  return true;
}

// Loops, views and what reads at places: several calls in one loop, or many. Of small tensors other calls too, and any
// that would make more than one call. Results are in memory of their own.
bool worthwhile(const Graph& graph) {
  if (!graph.slots.empty() || graph.phases > 1) return false;
  bool merged = false, others = false;
  int calls = 0;
  for (const GraphNode& node : graph.nodes) {
    if (!is_loop(node) && !node.op->view && !node.op->indexes) {
      if (!is_plain_call(node)) return false;
      others = true;
    }
    merged = merged || (!node.op && node.names.size() > 1);
    calls += !node.op || !node.op->view;
  }
  const bool saves = graph.nodes.size() > 1 || !graph.constants.empty();
  return ((!others && (merged || calls >= kManyCalls)) || (saves && is_small(graph))) &&
         std::all_of(graph.results.begin(), graph.results.end(), [&](int result) { return is_made(graph, result); });
}

// Of calls, which read or write something large.
int count_passes(const Graph& graph) {
  const auto is_large = [&](int value) { return value >= 0 && bytes_of(graph.values[value].type) > kSmallBytes; };
  return static_cast<int>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const GraphNode& node) {
    return !(node.op && node.op->view) && (std::any_of(node.inputs.begin(), node.inputs.end(), is_large) ||
                                           std::any_of(node.outputs.begin(), node.outputs.end(), is_large));
  }));
}

void make_program(const Composition& c, Known& known, const std::shared_ptr<Arena>& arena) {
  known.refused = true;
  Graph graph;
  {
    Trace trace;
    TraceScope scope(&trace);
    Tensors symbols, given;
    for (const Tensor& t : c.inputs) symbols.push_back(t.defined() ? trace.input(t.type()) : Tensor());
    for (const Tensor& result : c.body(symbols)) {
      known.results.push_back(result.defined());
      if (!result.defined()) continue;
      if (!result.symbolic()) return;
      given.push_back(result);
    }
    graph = trace.finish(given);
  }
  const int passes = count_passes(graph);
  auto program = std::make_unique<Program>(std::move(graph), PassOptions{}, arena, known.call.context);
  if (!worthwhile(program->graph())) return;
  const std::vector<GraphNode>& nodes = program->graph().nodes;
  const bool loops =
      std::all_of(nodes.begin(), nodes.end(), [](const GraphNode& n) { return is_loop(n) || n.op->view; });
  if (loops) known.saved_passes = std::max(0, passes - count_passes(program->graph()));
  known.program = std::move(program);
  known.refused = false;
}

auto found_among(std::deque<std::shared_ptr<Known>>& calls, const Call& call) {
  return std::find_if(calls.begin(), calls.end(), [&](const auto& known) { return known->call == call; });
}

bool run(const Composition& c, Tensors& results) {
  Compositions& all = compositions();
  if (all.running || !runs_eagerly(c)) return false;
  std::deque<std::shared_ptr<Known>>& calls = all.known[{&c.op, c.gradient}];
  Call call = call_of(c);
  const auto found = found_among(calls, call);
  if (found == calls.end()) {
    calls.push_front(std::make_shared<Known>(std::move(call)));
    if (calls.size() > kCallsKept) calls.pop_back();
    return false;
  }
  if (found != calls.begin()) std::rotate(calls.begin(), found, found + 1);
  const std::shared_ptr<Known> known = calls.front();
  if (!known->program && !known->refused) make_program(c, *known, all.arena);
  if (known->refused || (c.again && known->saved_passes == 0) || !saves_its_copies(c, *known)) return false;
  Tensors given;
  for (const Tensor& t : c.inputs)
    if (t.defined()) given.push_back(t);
  return known->run(given, results);
}

FoundComposition find(const Composition& c) {
  if (!has_inputs_of_a_program(c)) return {true, nullptr};
  std::deque<std::shared_ptr<Known>>& calls = compositions().known[{&c.op, c.gradient}];
  const auto found = found_among(calls, call_of(c));
  if (found == calls.end()) return {};
  const std::shared_ptr<Known>& known = *found;
  const bool runs = known->program && saves_its_copies(c, *known);
  return runs ? FoundComposition{true, known} : FoundComposition{known->refused || known->program, nullptr};
}

[[maybe_unused]] const bool installed = (composition_runner() = run, composition_finder() = find, true);

}  // namespace
}  // namespace pt
