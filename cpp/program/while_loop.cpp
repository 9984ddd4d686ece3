// A loop whose length its own state decides: one Loop instruction with a condition.
#include <algorithm>

#include "graph/trace.h"
#include "graph/vmap.h"
#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/target.h"
#include "program/control.h"
#include "program/control_op.h"

namespace pt {
namespace {

// Numbers of the layout. Inputs: what the condition and the step captured; the state.
enum : std::size_t { kCondition, kStep, kState };
constexpr int64_t kAnswerBytes = 64;

// Operands: what the condition and the step captured, the state; the last state; the workspace: the answer, two states
// that take turns, and what the programs need.
LaunchPlan plan_while(const ControlOp& control, const PlanContext& context) {
  const int64_t n_condition = control.number(kCondition), n_step = control.number(kStep), n = control.number(kState);
  const auto operands = [](int64_t begin, int64_t count) {
    std::vector<Address> all;
    for (int64_t i = 0; i < count; ++i) all.push_back({static_cast<int>(begin + i)});
    return all;
  };
  const Types types = result_types(control.parts[1]);
  const Room turns = room_for(types);
  const int64_t init = n_condition + n_step;
  const int workspace = static_cast<int>(init + 2 * n);
  const Address behind{workspace, kAnswerBytes + 2 * turns.total};
  Program &condition = control.program(0, context), &step = control.program(1, context);
  const auto loop = std::make_shared<Loop>();
  loop->flag = {workspace};
  loop->condition =
      Call{&condition, operands(0, n_condition), {loop->flag}, static_cast<std::size_t>(n_condition), behind};
  loop->step = {&step, operands(n_condition, n_step), {}, static_cast<std::size_t>(n_step), behind};
  const std::vector<Address> first = operands(init, n), last = operands(init + n, n);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const Address between{workspace, kAnswerBytes + turns.offset[i], 0, turns.total};
    loop->state.push_back(carried(types[i], first[i], between, last[i], context));
  }
  return plan_control(loop, 0, behind.offset + std::max(condition.workspace_bytes(), step.workspace_bytes()));
}

// Whether a part reads by index: out of a row that has ended that may be an index which no step was meant to take.
bool reads_by_index(const Graph& graph) {
  const auto by_index = [](const GraphNode& node) {
    if (!node.op || node.op->runs_parts) return true;
    return std::any_of(node.op->inputs.begin(), node.op->inputs.end(),
                       [](const InputSpec& input) { return input.takes == Takes::Integer && !input.promoted; });
  };
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), by_index);
}

const ControlOp& while_op(Graph condition, Graph step, Ints layout);

// One loop while any row goes on. Which rows do is a first tensor of the state; the others keep theirs.
Tensors batch(const ControlOp& control, const BatchContext& c) {
  if (reads_by_index(control.parts[0]) || reads_by_index(control.parts[1])) return batch_unrolled(c);
  const int64_t n_condition = control.number(kCondition), n_step = control.number(kStep), n = control.number(kState);
  const std::vector<char> flags(c.batched.begin(), c.batched.end());
  std::vector<char> asked_flags(flags.begin(), flags.begin() + n_condition),
      step_flags(flags.begin() + n_condition, flags.end() - n);
  asked_flags.insert(asked_flags.end(), static_cast<std::size_t>(n), 1);
  step_flags.insert(step_flags.end(), static_cast<std::size_t>(n), 1);
  const Types states = batched_types(result_types(control.parts[1]), std::vector<char>(n, 1), c.rows);
  const auto goes_on = [&](Tensors captured, const Tensors& state) {
    captured.insert(captured.end(), state.begin(), state.end());
    return fn::reshape(batched_results(control.parts[0], captured, asked_flags, c.rows)[0], {c.rows});
  };
  Tensors state;
  for (int64_t i = 0; i < n; ++i) {
    const std::size_t at = c.in.size() - static_cast<std::size_t>(n - i);
    state.push_back(with_rows(c.in[at], c.batched[at], c.rows));
  }
  const Tensors captured(c.in.begin(), c.in.end() - n);
  Types types{{DType::Bool, {c.rows}}};
  types.insert(types.end(), states.begin(), states.end());
  Part asked, made;
  {
    Trace trace({.nested = true, .where = "while_loop", .draws = false});
    TraceScope scope(&trace);
    asked = finished_part(trace, {fn::any(symbols(trace, types)[0])}, "while_loop");
  }
  {
    Trace trace({.nested = true, .where = "while_loop", .draws = false});
    TraceScope scope(&trace);
    const Tensors read = symbols(trace, types_of(captured)), before = symbols(trace, types);
    Tensors own(read.begin() + n_condition, read.end());
    own.insert(own.end(), before.begin() + 1, before.end());
    Tensors after = batched_results(control.parts[1], own, step_flags, c.rows);
    for (std::size_t i = 0; i < after.size(); ++i) {
      Shape column{c.rows};
      while (column.size() < after[i].ndim()) column.push_back(1);
      after[i] = fn::where(fn::reshape(before[0], column), after[i], before[i + 1]);
    }
    const Tensor again = goes_on(Tensors(read.begin(), read.begin() + n_condition), after);
    after.insert(after.begin(), fn::logical_and(before[0], again));
    made = finished_part(trace, after, "while_loop");
  }
  Tensors inputs = asked.captured;
  for (const Tensors* more : std::initializer_list<const Tensors*>{&made.captured, &captured}) {
    inputs.insert(inputs.end(), more->begin(), more->end());
  }
  inputs.push_back(goes_on(Tensors(captured.begin(), captured.begin() + n_condition), state));
  inputs.insert(inputs.end(), state.begin(), state.end());
  const Ints layout{static_cast<int64_t>(asked.captured.size()),
                    static_cast<int64_t>(made.captured.size()) + n_condition + n_step, n + 1};
  Tensors results = call(while_op(std::move(asked.graph), std::move(made.graph), layout), inputs);
  results.erase(results.begin());
  return results;
}

void complete(ControlOp& control) {
  Op& op = control.op;
  const int64_t inputs = control.number(kCondition) + control.number(kStep) + control.number(kState);
  for (int64_t i = 0; i < inputs; ++i) op.inputs.push_back({text("input ", i), Takes::Any, false, false, false});
  op.outputs = static_cast<int>(control.number(kState));
  op.infer = [&control](const InferContext&) { return result_types(control.parts[1]); };
  add_everywhere(op, {.plan = [&control](std::span<const Operand>, std::span<const Operand>, const Attrs&,
                                         const PlanContext& context) { return plan_while(control, context); }});
  op.vjp = [](const VjpContext&) -> Tensors {
    throw Error(
        "[while_loop] has no gradient, and a gradient through it is wanted; expected a loop of known length, whose "
        "states "
        "can be kept; use scan, or stop_gradient");
  };
  op.batch = [&control](const BatchContext& c) { return batch(control, c); };
}

const ControlOp& while_op(Graph condition, Graph step, Ints layout) {
  std::vector<Graph> parts;
  parts.push_back(std::move(condition));
  parts.push_back(std::move(step));
  return control_op("while_loop", std::move(parts), std::move(layout), complete);
}

Part recorded(const Function& function, const Types& types, bool state) {
  Part part;
  {
    Trace trace({.nested = true, .where = "while_loop", .draws = false, .defer = true});
    TraceScope scope(&trace);
    Tensors results = function(symbols(trace, types));
    if (state) keep_dtypes(results, types);
    if (!trace.assigned().empty()) {
      throw TraceError(text("[while_loop] the function assigns ", trace.assigned()[0].first->name,
                            "; expected a function that does not; make it part of the state"));
    }
    part = finished_part(trace, results, "while_loop");
  }
  return hoisted(part, types, "while_loop");
}

}  // namespace

Tensors while_loop(const Function& condition, const Function& step, const Tensors& init) {
  const Types types = types_of(init);
  Part asked = recorded(condition, types, false), made = recorded(step, types, true);
  const Types answer = result_types(asked.graph);
  if (answer.size() != 1 || answer[0].dtype != DType::Bool || count(answer[0].shape) != 1) {
    throw ShapeError(text("[while_loop] the condition gives ", answer.empty() ? "nothing" : text(answer[0]),
                          "; expected one bool; compare, or use any() or all()"));
  }
  check_state("while_loop", types, result_types(made.graph));
  const Ints layout{static_cast<int64_t>(asked.captured.size()), static_cast<int64_t>(made.captured.size()),
                    static_cast<int64_t>(init.size())};
  Tensors inputs = asked.captured;
  inputs.insert(inputs.end(), made.captured.begin(), made.captured.end());
  inputs.insert(inputs.end(), init.begin(), init.end());
  return call(while_op(std::move(asked.graph), std::move(made.graph), layout), inputs);
}

}  // namespace pt
