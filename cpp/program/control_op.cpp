#include "program/control_op.h"

#include <deque>

#include "graph/trace.h"
#include "ops/autocast.h"

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

bool same_graph(const Graph& a, const Graph& b) {
  if (a.nodes.size() != b.nodes.size() || a.values.size() != b.values.size() || a.inputs != b.inputs ||
      a.results != b.results || !a.constants.empty() || !b.constants.empty()) {
    return false;
  }
  for (std::size_t v = 0; v < a.values.size(); ++v) {
    const Value &x = a.values[v], &y = b.values[v];
    if (x.type != y.type || x.origin != y.origin || x.index != y.index || x.output != y.output) return false;
  }
  for (std::size_t n = 0; n < a.nodes.size(); ++n) {
    const GraphNode &x = a.nodes[n], &y = b.nodes[n];
    // A region is what it was recorded with.
    if (x.op != y.op || x.inputs != y.inputs || x.outputs != y.outputs || x.region || y.region ||
        x.recompute != y.recompute || x.attrs != y.attrs) {
      return false;
    }
  }
  return true;
}

Program& ControlOp::program(std::size_t part) const {
  std::lock_guard lock(busy_);
  programs_.resize(parts.size());
  if (!programs_[part]) {
    programs_[part] = std::make_unique<Program>(parts[part], PassOptions{}, cpu_device(), std::make_shared<Arena>());
  }
  return *programs_[part];
}

const ControlOp::Gradient& ControlOp::gradient(const Ints& wanted, const std::function<Gradient()>& make) const {
  std::lock_guard lock(busy_);
  auto found = gradients_.find(wanted);
  if (found == gradients_.end()) found = gradients_.emplace(wanted, make()).first;
  return found->second;
}

const ControlOp& control_op(std::string kind, std::vector<Graph> parts, Ints layout, void (*complete)(ControlOp&)) {
  static std::mutex busy;
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
