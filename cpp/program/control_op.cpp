#include "program/control_op.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "core/error.h"
#include "core/interpreter.h"
#include "graph/passes/passes.h"
#include "graph/trace.h"
#include "graph/vmap.h"
#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/refusal.h"

namespace pt {

Types types_of(const Tensors& tensors) {
  Types types;
  for (const Tensor& t : tensors) types.push_back(t.type());
  return types;
}

Tensors symbols(Trace& trace, const Types& types) {
  Tensors made;
  for (const TensorType& type : types) made.push_back(trace.input(type));
  return made;
}

Part finished_part(Trace& trace, const Tensors& results, const char* where) {
  Part part;
  part.graph = trace.finish(results);
  for (const GraphNode& node : part.graph.nodes) {
    if (!node.op->guard) continue;
    throw TraceError(text("[", where, "] the function guards a value; expected a function that does not; guard what ",
                          where, " returns"));
  }
  part.captured = lift_constants(part.graph);
  return part;
}

void check_state(const char* where, const Types& given, const Types& made) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (i < made.size() && given[i] == made[i]) continue;
    throw ShapeError(text("[", where, "] state ", i, " is ", given[i], ", and after a step ",
                          i < made.size() ? text(made[i]) : "nothing",
                          "; expected the same shape and dtype; cast or reshape one"));
  }
}

Part hoisted(const Part& part, const Types& own, const char* where) {
  const Graph& graph = part.graph;
  Tensors value(graph.values.size());
  for (std::size_t i = 0; i < part.captured.size(); ++i) value[graph.inputs[i]] = part.captured[i];
  const auto inputs_of = [&](const GraphNode& node) {
    Tensors in;
    for (int input : node.inputs) in.push_back(input < 0 ? Tensor() : value[input]);
    return in;
  };
  std::vector<char> outside(graph.nodes.size());
  const AutocastScope decided;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    const auto known = [&](int input) { return input < 0 || value[input].defined(); };
    outside[n] = !node.region && node.recompute == 0 && !node.op->random &&
                 std::all_of(node.inputs.begin(), node.inputs.end(), known);
    if (!outside[n]) continue;
    const Tensors outputs = apply(*node.op, inputs_of(node), node.attrs);
    for (std::size_t i = 0; i < outputs.size(); ++i) value[node.outputs[i]] = outputs[i];
  }
  Trace trace({.nested = true, .where = where, .draws = false});
  TraceScope scope(&trace);
  const Tensors symbolic = symbols(trace, own);
  for (std::size_t i = 0; i < own.size(); ++i) value[graph.inputs[part.captured.size() + i]] = symbolic[i];
  std::map<const GraphRegion*, std::shared_ptr<const Region>> regions;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    if (outside[n]) continue;
    trace.set_location(node.location);
    trace.set_recompute(node.recompute);
    if (node.region) {
      auto& region = regions[node.region.get()];
      if (!region) region = moved_region(*node.region, [&](int number) { return value[number]; });
      value[node.outputs[0]] = with_region(inputs_of(node)[0], region, node.region_output);
      continue;
    }
    const Tensors outputs = apply(*node.op, inputs_of(node), node.attrs);
    for (std::size_t i = 0; i < outputs.size(); ++i) value[node.outputs[i]] = outputs[i];
  }
  Tensors results;
  for (int result : graph.results) results.push_back(value[result]);
  return finished_part(trace, results, where);
}

Types batched_types(const Types& types, const std::vector<char>& batched, int64_t rows) {
  Types all = types;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (batched[i]) all[i].shape = in_rows(rows, all[i].shape);
  }
  return all;
}

Part batched_part(const Graph& graph, const std::vector<char>& batched, int64_t rows, const char* where) {
  Trace trace({.nested = true, .where = where, .draws = false});
  TraceScope scope(&trace);
  const Tensors inputs = symbols(trace, batched_types(input_types(graph), batched, rows));
  return finished_part(trace, batched_results(graph, inputs, batched, rows), where);
}

void keep_dtypes(Tensors& made, const Types& given) {
  if (autocast_dtype() == DType::F32) return;
  for (std::size_t i = 0; i < given.size() && i < made.size(); ++i) {
    if (is_float(made[i].dtype()) && is_float(given[i].dtype)) made[i] = fn::cast(made[i], given[i].dtype);
  }
}

Types input_types(const Graph& graph) {
  Types types;
  for (int input : graph.inputs) types.push_back(graph.values[input].type);
  return types;
}

Types result_types(const Graph& graph) {
  Types types;
  for (int result : graph.results) types.push_back(graph.values[result].type);
  return types;
}

namespace {

bool same_constant(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && a.concrete() && b.concrete() && a.row_major() && b.row_major() &&
         std::memcmp(a.in(host_memory()).host(), b.in(host_memory()).host(),
                     static_cast<std::size_t>(a.size()) * size_of(a.dtype())) == 0;
}

// Numbers and regions that mean nothing but themselves: each of one graph stands for one of the other.
class Likeness {
 public:
  bool graphs(const Graph& a, const Graph& b) {
    return a.nodes.size() == b.nodes.size() && a.inputs == b.inputs && a.results == b.results &&
           std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), same_value) &&
           std::equal(a.constants.begin(), a.constants.end(), b.constants.begin(), b.constants.end(), same_constant) &&
           std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(),
                      [this](const GraphNode& x, const GraphNode& y) { return nodes(x, y); });
  }

 private:
  static bool same_value(const Value& x, const Value& y) {
    return x.type == y.type && x.origin == y.origin && x.index == y.index && x.output == y.output;
  }
  bool nodes(const GraphNode& x, const GraphNode& y) {
    if (x.op != y.op || x.inputs != y.inputs || x.outputs != y.outputs || !x.region != !y.region) return false;
    if (!numbers_.emplace(x.recompute, y.recompute).second && numbers_[x.recompute] != y.recompute) return false;
    if (!x.region) return x.attrs == y.attrs;
    return x.region_output == y.region_output && regions(*x.region, *y.region);
  }
  bool regions(const GraphRegion& x, const GraphRegion& y) {
    const auto [known, fresh] = regions_.emplace(x.region.get(), y.region.get());
    if (!fresh) return known->second == y.region.get();
    const Region &a = *x.region, &b = *y.region;
    return x.inputs == y.inputs && x.captured == y.captured && a.outputs == b.outputs && a.recompute == b.recompute &&
           graphs(*a.back, *b.back);
  }

  std::map<uint64_t, uint64_t> numbers_;
  std::map<const Region*, const Region*> regions_;
};

}  // namespace

// What its checks say, one behind the other: which of them failed, a loop does not know.
static void add_refusals(const Graph& part, std::string& all) {
  for (const GraphNode& node : part.nodes) {
    const bool loop = node.op->runs_parts && node.op->failure;
    const std::string one = loop ? node.op->failure() : refusal_of(*node.op, node.attrs);
    if (!one.empty() && all.find(one) == std::string::npos) all += (all.empty() ? "" : "; or ") + one;
  }
}

// Definitions may hold checks that nothing shows before they are expanded.
static void note_effects(const Graph& part, Op& op, std::string& refusals) {
  const bool whole = std::none_of(part.nodes.begin(), part.nodes.end(),
                                  [](const GraphNode& node) { return node.op->compose && !node.op->has_kernel(); });
  const Graph shown = whole ? part : simplify(part, false, true);
  op.may_fail = op.may_fail || has_effects(shown);
  add_refusals(shown, refusals);
}

bool same_graph(const Graph& a, const Graph& b) { return Likeness().graphs(a, b); }

Program& ControlOp::program(std::size_t part, const PlanContext& context) const {
  std::lock_guard lock(busy_);
  std::unique_ptr<Program>& made = programs_[{part, context}];
  if (!made) {
    made = std::make_unique<Program>(parts[part], PassOptions{}, std::make_shared<Arena>(), context);
  }
  return *made;
}

const ControlOp::Gradient& ControlOp::gradient(const Ints& wanted, const std::function<Gradient()>& make) const {
  std::lock_guard lock(busy_);
  auto found = gradients_.find(wanted);
  if (found == gradients_.end()) found = gradients_.emplace(wanted, make()).first;
  return found->second;
}

const ControlOp& control_op(std::string kind, std::vector<Graph> parts, Ints layout, void (*complete)(ControlOp&)) {
  static Lock busy;
  static auto& made = *new std::deque<ControlOp>();
  std::lock_guard lock(busy);
  for (const ControlOp& known : made) {
    if (known.kind == kind && known.layout == layout && known.parts.size() == parts.size() &&
        std::equal(parts.begin(), parts.end(), known.parts.begin(), same_graph)) {
      return known;
    }
  }
  ControlOp& control = made.emplace_back();
  control.kind = control.op.name = std::move(kind);
  control.parts = std::move(parts);
  control.layout = std::move(layout);
  control.op.promotes = false;
  control.op.contiguous = true;
  control.op.runs_parts = true;
  std::string refusals;
  for (const Graph& part : control.parts) note_effects(part, control.op, refusals);
  if (!refusals.empty()) control.op.failure = [refusals] { return refusals; };
  complete(control);
  return control;
}

Tensors call(const ControlOp& control, Tensors inputs, const Attrs& attrs) {
  const AutocastScope decided;
  return apply(control.op, std::move(inputs), attrs);
}

Room room_for(const Types& types) {
  constexpr int64_t kLine = 64;
  Room room;
  for (const TensorType& type : types) {
    const int64_t bytes = count(type.shape) * static_cast<int64_t>(size_of(type.dtype));
    room.bytes.push_back(bytes);
    room.offset.push_back(room.total);
    room.total += (bytes + kLine - 1) / kLine * kLine;
  }
  return room;
}

}  // namespace pt
