// A loop whose length its own state decides. Two states take turns in the workspace.
#include <cstring>

#include "graph/trace.h"
#include "parallel/pool.h"
#include "program/control.h"
#include "program/control_op.h"

namespace pt {
namespace {

// Numbers of the layout. Inputs: what the condition and the step captured; the state.
enum : std::size_t { kCondition, kStep, kState };
constexpr int64_t kAnswerBytes = 64;

struct WhileDesc {
  NestedDesc head;
  const ControlOp* control;
  const Room* state;
};

void run_while(const NestedDesc* desc, char* const* data, uint32_t* status) {
  const WhileDesc& d = *reinterpret_cast<const WhileDesc*>(desc);
  const int64_t n_condition = d.control->number(kCondition), n_step = d.control->number(kStep);
  const int64_t n = d.control->number(kState);
  Program &condition = d.control->program(0), &step = d.control->program(1);
  char* const* init = data + n_condition + n_step;
  char* const* last = init + n;
  char* answer = last[n];
  char* turns = answer + kAnswerBytes;
  const auto hold_condition = condition.hold(), hold_step = step.hold();
  const RunWithin within;
  const DeviceRun run(cpu_device(), condition.any_parallel() || step.any_parallel());
  std::vector<char*> asked(data, data + n_condition), in(data + n_condition, init), next(static_cast<std::size_t>(n));
  asked.insert(asked.end(), init, last);
  in.insert(in.end(), init, last);
  for (int64_t count = 0;; ++count) {
    condition.run_at(asked, {&answer, 1}, status);
    // After an index out of range nothing that follows means anything.
    if (*answer == 0 || __atomic_load_n(status, __ATOMIC_RELAXED) != 0) break;
    for (int64_t i = 0; i < n; ++i) next[i] = turns + count % 2 * d.state->total + d.state->offset[i];
    step.run_at(in, next, status);
    std::copy(next.begin(), next.end(), asked.begin() + n_condition);
    std::copy(next.begin(), next.end(), in.begin() + n_step);
  }
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(last[i], in[n_step + i], static_cast<std::size_t>(d.state->bytes[i]));
  }
}

void complete(ControlOp& control) {
  const auto state = std::make_shared<Room>(room_for(result_types(control.parts[1])));
  Op& op = control.op;
  const int64_t inputs = control.number(kCondition) + control.number(kStep) + control.number(kState);
  for (int64_t i = 0; i < inputs; ++i) op.inputs.push_back({text("input ", i), Takes::Any, false, false, false});
  op.outputs = static_cast<int>(control.number(kState));
  op.infer = [&control](const InferContext&) { return result_types(control.parts[1]); };
  op.plan = [&control, state](std::span<const Operand>, std::span<const Operand>, const Attrs&) {
    control.program(0);
    control.program(1);
    LaunchPlan plan;
    plan.launches.push_back(nested_launch(WhileDesc{{run_while}, &control, state.get()}));
    plan.workspace_bytes = kAnswerBytes + 2 * state->total;
    return plan;
  };
  op.vjp = [](const VjpContext&) -> Tensors {
    throw Error(
        "[while_loop] has no gradient, and a gradient through it is wanted; expected a loop of known length, whose "
        "states "
        "can be kept; use scan, or stop_gradient");
  };
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
  std::vector<Graph> parts;
  parts.push_back(std::move(asked.graph));
  parts.push_back(std::move(made.graph));
  return call(control_op("while_loop", std::move(parts), layout, complete), inputs);
}

}  // namespace pt
