// A choice between two functions: one Branch instruction, which runs the program of one alone.
#include <algorithm>

#include "graph/autodiff.h"
#include "graph/trace.h"
#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/target.h"
#include "program/control.h"
#include "program/control_op.h"

namespace pt {
namespace {

// Numbers of the layout. Inputs: which; what each function captured; the operands of both.
enum : std::size_t { kYes, kNo, kOperands };

const ControlOp& cond_op(Graph yes, Graph no, Ints layout);

// The gradients by the chosen inputs of one function, zero for those that only the other one reads.
Part backward(const ControlOp& control, bool which, const std::vector<char>& needs, const std::vector<char>& given) {
  const Graph& graph = control.parts[which ? 0 : 1];
  const int64_t yes = control.number(kYes), no = control.number(kNo), operands = control.number(kOperands);
  const int64_t own = which ? yes : no, own_begin = which ? 0 : yes;
  Trace trace({.nested = true, .where = "cond", .draws = false, .again = true});
  TraceScope scope(&trace);
  const Tensors read = symbols(trace, input_types(graph));
  Tensors cotangents, reached;
  Types cotangent_types;
  const Types results = result_types(graph);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (given[i]) cotangent_types.push_back(results[i]);
  }
  cotangents = symbols(trace, cotangent_types);
  const Tensors made = replay(graph, read);
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (given[i]) reached.push_back(made[i]);
  }
  // Inputs of the op behind `which`, as inputs of this function.
  const auto seen_as = [&](int64_t i) -> int64_t {
    if (i >= yes + no) return own + i - yes - no;
    return i >= own_begin && i < own_begin + own ? i - own_begin : -1;
  };
  Tensors wanted;
  for (int64_t i = 0; i < yes + no + operands; ++i) {
    if (needs[i] && seen_as(i) >= 0) wanted.push_back(read[seen_as(i)]);
  }
  const Tensors found = gradients(reached, cotangents, wanted);
  const Types other = input_types(control.parts[which ? 1 : 0]);
  Tensors all;
  std::size_t next = 0;
  for (int64_t i = 0; i < yes + no + operands; ++i) {
    if (!needs[i]) continue;
    all.push_back(seen_as(i) >= 0 ? found[next++] : fn::zeros(other[which ? i - yes : i]));
  }
  return finished_part(trace, all, "cond");
}

Tensors gradient(const ControlOp& control, const VjpContext& c) {
  const int64_t yes = control.number(kYes), no = control.number(kNo), operands = control.number(kOperands);
  std::vector<char> needs(c.needs.begin() + 1, c.needs.end()), given;
  for (std::size_t i = 0; i < c.grad.size(); ++i) {
    given.push_back(c.grad[i].defined() && is_continuous(c.out_types[i].dtype));
  }
  Ints key(needs.begin(), needs.end());
  key.insert(key.end(), given.begin(), given.end());
  const auto cotangents = std::count(given.begin(), given.end(), 1);
  int64_t lifted = 0;
  const auto& [op, constants] = control.gradient(key, [&]() -> ControlOp::Gradient {
    Part of_yes = backward(control, true, needs, given), of_no = backward(control, false, needs, given);
    const auto n_yes = static_cast<int64_t>(of_yes.captured.size()), n_no = static_cast<int64_t>(of_no.captured.size());
    const ControlOp* made = &cond_op(std::move(of_yes.graph), std::move(of_no.graph),
                                     {n_yes + yes, n_no + no, operands + static_cast<int64_t>(cotangents)});
    of_yes.captured.insert(of_yes.captured.end(), of_no.captured.begin(), of_no.captured.end());
    return {made, of_yes.captured};
  });
  lifted = op->number(kYes) - yes;
  Tensors inputs{c.in[0]};
  inputs.insert(inputs.end(), constants.begin(), constants.begin() + lifted);
  inputs.insert(inputs.end(), c.in.begin() + 1, c.in.begin() + 1 + yes);
  inputs.insert(inputs.end(), constants.begin() + lifted, constants.end());
  inputs.insert(inputs.end(), c.in.begin() + 1 + yes, c.in.end());
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i]) inputs.push_back(c.grad[i]);
  }
  const Tensors found = call(*op, inputs);
  Tensors all{Tensor()};
  std::size_t next = 0;
  for (char need : needs) all.push_back(need ? found[next++] : Tensor());
  return all;
}

constexpr double kLongFlops = 1e6;  // of a function that rows which did not choose it had better not compute

Tensor as_column(const Tensor& of_rows, int ndim) {
  Shape column = of_rows.shape();
  while (column.size() < ndim) column.push_back(1);
  return fn::reshape(of_rows, column);
}

// One function for all rows, if any chose it. The others lend it the inputs of the first that did, so that it computes
// nothing that it was not meant for; what it makes of these is left, and has no gradient.
Tensors for_choosers(const Graph& graph, const Tensor& chose, Tensors inputs, const std::vector<char>& batched) {
  const int64_t rows = chose.shape()[0];
  const Tensor first = fn::argmax(fn::cast(chose, DType::I32), 0, true);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!batched[i]) continue;
    const Tensor lent = fn::stop_gradient(fn::take(inputs[i], first, 0));
    inputs[i] = fn::where(as_column(chose, inputs[i].ndim()), inputs[i], lent);
  }
  Part all = batched_part(graph, batched, rows, "cond"), nothing;
  {
    Trace trace({.nested = true, .where = "cond", .draws = false});
    TraceScope scope(&trace);
    Tensors zeros;
    for (const TensorType& type : result_types(all.graph)) zeros.push_back(fn::zeros(type));
    nothing = finished_part(trace, zeros, "cond");
  }
  Tensors given{fn::any(chose)};
  for (const Tensors* more : std::initializer_list<const Tensors*>{&all.captured, &inputs, &nothing.captured}) {
    given.insert(given.end(), more->begin(), more->end());
  }
  const Ints layout{static_cast<int64_t>(all.captured.size() + inputs.size()),
                    static_cast<int64_t>(nothing.captured.size()), 0};
  return call(cond_op(std::move(all.graph), std::move(nothing.graph), layout), given);
}

// What one function reads, of what the call has.
template <class T, class All>
std::vector<T> own_of(const All& all, int64_t begin, int64_t own, int64_t operands) {
  std::vector<T> read(all.begin() + begin, all.begin() + begin + own);
  read.insert(read.end(), all.end() - operands, all.end());
  return read;
}

double most_flops(const Program& yes, const Program& no) { return std::max(yes.total_flops(), no.total_flops()); }

// Where each row chooses for itself.
Tensors batch_choices(const ControlOp& control, const BatchContext& c) {
  PlanContext alone = current_plan_context();  // so that the graph is the same for any threads
  alone.threads = 1;
  if (c.rows < 2 || most_flops(control.program(0, alone), control.program(1, alone)) > kLongFlops)
    return batch_unrolled(c);
  const int64_t yes = control.number(kYes), no = control.number(kNo), operands = control.number(kOperands);
  const Tensor which = fn::reshape(c.in[0], {c.rows});
  const Tensors on = for_choosers(control.parts[0], which, own_of<Tensor>(c.in, 1, yes, operands),
                                  own_of<char>(c.batched, 1, yes, operands));
  const Tensors off =
      for_choosers(control.parts[1], fn::logical_not(which), own_of<Tensor>(c.in, 1 + yes, no, operands),
                   own_of<char>(c.batched, 1 + yes, no, operands));
  Tensors results;
  for (std::size_t i = 0; i < on.size(); ++i) {
    results.push_back(fn::where(as_column(which, on[i].ndim()), on[i], off[i]));
  }
  return results;
}

// Both functions for all rows, of which one runs.
Tensors batch(const ControlOp& control, const BatchContext& c) {
  if (c.batched[0]) return batch_choices(control, c);
  const int64_t yes = control.number(kYes), no = control.number(kNo), operands = control.number(kOperands);
  const auto flags = [&](int64_t begin, int64_t own) {
    std::vector<char> of(c.batched.begin() + begin, c.batched.begin() + begin + own);
    of.insert(of.end(), c.batched.end() - operands, c.batched.end());
    return of;
  };
  Part of_yes = batched_part(control.parts[0], flags(1, yes), c.rows, "cond");
  Part of_no = batched_part(control.parts[1], flags(1 + yes, no), c.rows, "cond");
  Tensors inputs{c.in[0]};
  const auto captured = [&](const Part& part, int64_t begin, int64_t own) {
    inputs.insert(inputs.end(), part.captured.begin(), part.captured.end());
    inputs.insert(inputs.end(), c.in.begin() + begin, c.in.begin() + begin + own);
    return static_cast<int64_t>(part.captured.size()) + own;
  };
  const int64_t n_yes = captured(of_yes, 1, yes), n_no = captured(of_no, 1 + yes, no);
  inputs.insert(inputs.end(), c.in.end() - operands, c.in.end());
  return call(cond_op(std::move(of_yes.graph), std::move(of_no.graph), {n_yes, n_no, operands}), inputs);
}

// Operands: which; what each function captured; the operands of both; the results; the workspace.
LaunchPlan plan_cond(const ControlOp& control, const PlanContext& context) {
  const int64_t yes = control.number(kYes), no = control.number(kNo), operands = control.number(kOperands);
  const auto n_results = static_cast<int64_t>(control.parts[0].results.size());
  const int64_t shared = 1 + yes + no, results = shared + operands;
  const auto add = [](std::vector<Address>& all, int64_t begin, int64_t count) {
    for (int64_t i = 0; i < count; ++i) all.push_back({static_cast<int>(begin + i)});
  };
  const auto branch = std::make_shared<Branch>();
  for (const bool which : {true, false}) {
    Call& call = which ? branch->yes : branch->no;
    call.program = &control.program(which ? 0 : 1, context);
    add(call.inputs, which ? 1 : 1 + yes, which ? yes : no);
    add(call.inputs, shared, operands);
    add(call.results, results, n_results);
    call.workspace = {static_cast<int>(results + n_results)};
  }
  const Program &on = *branch->yes.program, &off = *branch->no.program;
  return plan_control(branch, most_flops(on, off), std::max(on.workspace_bytes(), off.workspace_bytes()));
}

void complete(ControlOp& control) {
  Op& op = control.op;
  const int64_t inputs = control.number(kYes) + control.number(kNo) + control.number(kOperands);
  op.inputs.push_back({"which", Takes::Bool, false, false, false});
  for (int64_t i = 0; i < inputs; ++i) op.inputs.push_back({text("input ", i), Takes::Any, false, false, false});
  op.outputs = static_cast<int>(control.parts[0].results.size());
  op.infer = [&control](const InferContext&) { return result_types(control.parts[0]); };
  add_everywhere(op, {.plan = [&control](std::span<const Operand>, std::span<const Operand>, const Attrs&,
                                         const PlanContext& context) { return plan_cond(control, context); }});
  op.vjp = [&control](const VjpContext& c) { return gradient(control, c); };
  op.batch = [&control](const BatchContext& c) { return batch(control, c); };
}

const ControlOp& cond_op(Graph yes, Graph no, Ints layout) {
  std::vector<Graph> parts;
  parts.push_back(std::move(yes));
  parts.push_back(std::move(no));
  return control_op("cond", std::move(parts), std::move(layout), complete);
}

void check_results(const Types& yes, const Types& no) {
  if (yes.size() != no.size()) {
    throw ShapeError(text("[cond] ", yes.size(), " results if true, ", no.size(),
                          " if false; expected as many; return the same from both"));
  }
  for (std::size_t i = 0; i < yes.size(); ++i) {
    if (yes[i] == no[i]) continue;
    throw ShapeError(text("[cond] result ", i, " is ", yes[i], " if true, ", no[i],
                          " if false; expected one shape and dtype; cast or reshape one"));
  }
}

// One of the functions as it is recorded.
struct Side {
  Trace trace;
  Tensors results;

  Side(const Function& function, const Types& operands)
      : trace({.nested = true, .where = "cond", .draws = false, .defer = true}) {
    TraceScope scope(&trace);
    results = function(symbols(trace, operands));
  }
  // What the slot holds behind the function.
  Tensor held(const SlotRef& slot) const {
    for (const auto& [assigned, value] : trace.assigned()) {
      if (assigned == slot) return value;
    }
    return read_slot(slot);
  }
};

}  // namespace

Tensors cond(const Tensor& which, const Function& yes, const Function& no, const Tensors& operands) {
  Side on(yes, types_of(operands)), off(no, types_of(operands));
  check_results(types_of(on.results), types_of(off.results));
  const std::size_t count = on.results.size();
  std::vector<SlotRef> slots;
  for (const Side* side : {&on, &off}) {
    for (const auto& [slot, value] : side->trace.assigned()) {
      if (std::find(slots.begin(), slots.end(), slot) == slots.end()) slots.push_back(slot);
    }
  }
  for (const SlotRef& slot : slots) {
    on.results.push_back(on.held(slot));
    off.results.push_back(off.held(slot));
  }
  Part of_yes = finished_part(on.trace, on.results, "cond"), of_no = finished_part(off.trace, off.results, "cond");
  const Ints layout{static_cast<int64_t>(of_yes.captured.size()), static_cast<int64_t>(of_no.captured.size()),
                    static_cast<int64_t>(operands.size())};
  Tensors inputs{which};
  for (const Tensors* more : std::initializer_list<const Tensors*>{&of_yes.captured, &of_no.captured, &operands}) {
    inputs.insert(inputs.end(), more->begin(), more->end());
  }
  Tensors results = call(cond_op(std::move(of_yes.graph), std::move(of_no.graph), layout), inputs);
  for (std::size_t i = 0; i < slots.size(); ++i) write_slot(slots[i], results[count + i]);
  results.resize(count);
  return results;
}

}  // namespace pt
