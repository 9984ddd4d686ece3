// A loop of known length. Every step reads the state that the one before wrote, in the memory of two states that take
// turns; where the states are kept for a gradient, they are written where they stay. One Loop instruction.
#include <algorithm>

#include "graph/autodiff.h"
#include "graph/trace.h"
#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/recorder.h"
#include "ops/target.h"
#include "program/control.h"
#include "program/control_op.h"

namespace pt {
namespace {

// Numbers of the layout. Inputs of the part: captured, state, rows; its results: state, outputs.
enum : std::size_t { kCaptured, kState, kRows, kOutputs, kKeeps };

// Parts of a list of tensors, in their order.
template <class List>
auto slice(const List& list, int64_t begin, int64_t n) {
  return std::vector<typename List::value_type>(list.begin() + begin, list.begin() + begin + n);
}

struct Layout {
  int64_t captured, state, rows, outputs;
  bool keeps;
  Types captured_types, state_types, row_types, output_types;

  explicit Layout(const ControlOp& c)
      : captured(c.number(kCaptured)),
        state(c.number(kState)),
        rows(c.number(kRows)),
        outputs(c.number(kOutputs)),
        keeps(c.number(kKeeps) != 0) {
    const Types in = input_types(c.parts[0]), out = result_types(c.parts[0]);
    captured_types = slice(in, 0, captured);
    state_types = slice(in, captured, state);
    row_types = slice(in, captured + state, rows);
    output_types = slice(out, state, outputs);
  }
};

TensorType stacked(const TensorType& type, int64_t length) {
  TensorType all = type;
  all.shape.insert(0, length);
  return all;
}

// ------------------------------------------------------------ its instruction

// Operands: captured, state, rows; the last state, outputs, the states that were kept; the workspace, with two states
// that take turns if none are kept.
LaunchPlan plan_scan(const ControlOp& control, const Layout& l, const Attrs& attrs, const PlanContext& context) {
  const int64_t length = attrs.integer("length");
  const bool reverse = attrs.flag("reverse");
  int operand = 0;
  const auto all_of = [&](int64_t n) {
    std::vector<Address> all;
    for (int64_t i = 0; i < n; ++i) all.push_back({operand++});
    return all;
  };
  // Rows of what is stacked, from the first or from the last on.
  const auto rows_of = [&](const Types& types) {
    std::vector<Address> all;
    for (int64_t bytes : room_for(types).bytes)
      all.push_back({operand++, reverse ? (length - 1) * bytes : 0, reverse ? -bytes : bytes});
    return all;
  };
  const auto loop = std::make_shared<Loop>();
  loop->rounds = length;
  loop->keeps = l.keeps;
  loop->step.program = &control.program(0, context);
  loop->step.inputs = all_of(l.captured);
  loop->step.state_at = loop->step.inputs.size();
  const std::vector<Address> first = all_of(l.state), rows = rows_of(l.row_types), last = all_of(l.state);
  loop->step.inputs.insert(loop->step.inputs.end(), rows.begin(), rows.end());
  loop->step.results = rows_of(l.output_types);
  const std::vector<Address> kept = l.keeps ? rows_of(l.state_types) : std::vector<Address>();
  const Room turns = room_for(l.state_types);
  loop->step.workspace = {operand, l.keeps ? 0 : 2 * turns.total};
  for (std::size_t i = 0; i < first.size(); ++i) {
    const Address between = l.keeps ? kept[i] : Address{operand, turns.offset[i], 0, turns.total};
    loop->state.push_back(carried(l.state_types[i], first[i], between, last[i], context));
  }
  const double flops = static_cast<double>(length) * loop->step.program->total_flops();
  const int64_t workspace = loop->step.workspace.offset + loop->step.program->workspace_bytes();
  return plan_control(loop, flops, workspace);
}

// ------------------------------------------------------------ its gradient

const ControlOp& scan_op(std::vector<Graph> parts, Ints layout);

const ControlOp& keeping(const ControlOp& control) {
  Ints layout = control.layout;
  layout[kKeeps] = 1;
  return scan_op(control.parts, layout);
}

// Gradients of many steps add up in f32.
TensorType sum_type(const TensorType& type) { return {compute_dtype(type.dtype), type.shape}; }

// What is wanted and what is given: a flag for each captured tensor, each row, and each output and kept state.
struct Wanted {
  std::vector<char> captured, rows, outputs, kept;
  Ints key() const {
    Ints all;
    for (auto* flags : {&captured, &rows, &outputs, &kept}) all.insert(all.end(), flags->begin(), flags->end());
    return all;
  }
};

bool is_wanted(const std::vector<char>& flags, std::size_t i) { return flags[i] != 0; }

// One step backwards: (gradients of the state, sums for what was captured; state, rows, gradients of the outputs and of
// the states that were kept) -> (the same, one step earlier; gradients of the rows).
ControlOp::Gradient backward(const ControlOp& control, const Wanted& wanted) {
  const Layout l(control);
  Trace trace({.nested = true, .where = "scan", .draws = false, .again = true});
  TraceScope scope(&trace);
  const auto flags_of = [](const Types& types) {
    std::vector<char> flags;
    for (const TensorType& type : types) flags.push_back(is_continuous(type.dtype));
    return flags;
  };
  const std::vector<char> floats = flags_of(l.state_types);
  const auto chosen = [](const auto& all, const std::vector<char>& flags) {
    std::decay_t<decltype(all)> some;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (is_wanted(flags, i)) some.push_back(all[i]);
    }
    return some;
  };
  Types sums;
  for (const TensorType& type : chosen(l.captured_types, wanted.captured)) sums.push_back(sum_type(type));
  const Tensors captured = symbols(trace, l.captured_types), g = symbols(trace, chosen(l.state_types, floats)),
                sum = symbols(trace, sums), state = symbols(trace, l.state_types), rows = symbols(trace, l.row_types),
                g_outputs = symbols(trace, chosen(l.output_types, wanted.outputs)),
                g_kept = symbols(trace, chosen(l.state_types, wanted.kept));
  Tensors read = captured;
  read.insert(read.end(), state.begin(), state.end());
  read.insert(read.end(), rows.begin(), rows.end());
  const Tensors made = replay(control.parts[0], read);
  Tensors reached = chosen(slice(made, 0, l.state), floats), cotangents = g;
  for (const Tensor& y : chosen(slice(made, l.state, l.outputs), wanted.outputs)) reached.push_back(y);
  cotangents.insert(cotangents.end(), g_outputs.begin(), g_outputs.end());
  Tensors by = chosen(state, floats);
  const auto n_state = static_cast<int64_t>(by.size()), n_sums = static_cast<int64_t>(sum.size());
  for (const Tensor& t : chosen(captured, wanted.captured)) by.push_back(t);
  for (const Tensor& t : chosen(rows, wanted.rows)) by.push_back(t);
  const Tensors found = gradients(reached, cotangents, by);

  Tensors results;
  std::size_t next_kept = 0, next = 0;
  for (int64_t i = 0; i < l.state; ++i) {
    if (!is_wanted(floats, i)) continue;
    results.push_back(is_wanted(wanted.kept, i) ? found[next] + g_kept[next_kept++] : found[next]);
    ++next;
  }
  for (std::size_t i = 0; i < sum.size(); ++i) results.push_back(sum[i] + fn::cast(found[next++], sum[i].dtype()));
  const auto n_rows = static_cast<int64_t>(found.size() - next);
  results.insert(results.end(), found.begin() + static_cast<std::ptrdiff_t>(next), found.end());
  Part part = finished_part(trace, results, "scan");
  const auto n_captured = static_cast<int64_t>(part.captured.size()) + l.captured;
  const auto n_read = static_cast<int64_t>(l.state + l.rows) + static_cast<int64_t>(g_outputs.size() + g_kept.size());
  const ControlOp* op = &scan_op({std::move(part.graph)}, {n_captured, n_state + n_sums, n_read, n_rows, 0});
  return {op, part.captured};
}

Tensors gradient(const ControlOp& control, const VjpContext& c) {
  const Layout l(control);
  const int64_t length = c.attrs.integer("length");
  const Tensors in(c.in.begin(), c.in.end());
  Tensors kept;
  if (l.keeps) {
    kept = Tensors(c.out.begin() + l.state + l.outputs, c.out.end());
  } else {
    kept = slice(call(keeping(control), in, c.attrs), l.state + l.outputs, l.state);
  }
  const auto floats_given = [&](int64_t begin, const Types& types) {
    std::vector<char> flags;
    for (std::size_t i = 0; i < types.size(); ++i) {
      const auto at = static_cast<std::size_t>(begin) + i;
      flags.push_back(is_continuous(types[i].dtype) && at < c.grad.size() && c.grad[at].defined());
    }
    return flags;
  };
  Wanted wanted;
  for (int64_t i = 0; i < l.captured; ++i) wanted.captured.push_back(c.needs[i]);
  for (int64_t i = 0; i < l.rows; ++i) wanted.rows.push_back(c.needs[l.captured + l.state + i]);
  wanted.outputs = floats_given(l.state, l.output_types);
  wanted.kept = floats_given(l.state + l.outputs, l.state_types);

  const auto& [op, constants] = control.gradient(wanted.key(), [&] { return backward(control, wanted); });

  Tensors inputs = constants;
  inputs.insert(inputs.end(), in.begin(), in.begin() + l.captured);
  for (int64_t i = 0; i < l.state; ++i) {
    if (!is_continuous(l.state_types[i].dtype)) continue;
    inputs.push_back(c.grad[i].defined() ? c.grad[i] : fn::zeros(l.state_types[i]));
  }
  for (int64_t i = 0; i < l.captured; ++i) {
    if (c.needs[i]) inputs.push_back(fn::zeros(sum_type(l.captured_types[i])));
  }
  inputs.insert(inputs.end(), kept.begin(), kept.end());
  inputs.insert(inputs.end(), in.begin() + l.captured + l.state, in.end());
  for (int64_t i = 0; i < l.outputs + l.state; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool output = i < l.outputs;
    if (output ? is_wanted(wanted.outputs, at) : is_wanted(wanted.kept, at - static_cast<std::size_t>(l.outputs))) {
      inputs.push_back(c.grad[static_cast<std::size_t>(l.state) + at]);
    }
  }
  const Tensors made = call(*op, inputs, {{"length", length}, {"reverse", !c.attrs.flag("reverse")}});

  // Of the state, then the sums, then the rows.
  std::size_t next = 0;
  Tensors state, captured, rows;
  for (int64_t i = 0; i < l.state; ++i) {
    state.push_back(is_continuous(l.state_types[i].dtype) ? made[next++] : Tensor());
  }
  for (int64_t i = 0; i < l.captured; ++i) {
    captured.push_back(c.needs[i] ? fn::cast(made[next++], l.captured_types[i].dtype) : Tensor());
  }
  for (int64_t i = 0; i < l.rows; ++i) rows.push_back(is_wanted(wanted.rows, i) ? made[next++] : Tensor());
  captured.insert(captured.end(), state.begin(), state.end());
  captured.insert(captured.end(), rows.begin(), rows.end());
  return captured;
}

// ------------------------------------------------------------ for each row

// The length stays in front of what is stacked.
Tensor exchanged(const Tensor& x) { return fn::transpose(x, moved_axis(x.ndim(), 1, 0)); }

// One loop over steps of all rows. States begin as those of each row, shared or not.
Tensors batch(const ControlOp& control, const BatchContext& c) {
  const Layout l(control);
  std::vector<char> flags(c.batched.begin(), c.batched.end());
  for (int64_t i = 0; i < l.state; ++i) flags[l.captured + i] = 1;
  Part part = batched_part(control.parts[0], flags, c.rows, "scan");
  Tensors inputs = part.captured;
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const bool state = at >= l.captured && at < l.captured + l.state, row = at >= l.captured + l.state;
    inputs.push_back(state                 ? with_rows(c.in[i], c.batched[i], c.rows)
                     : row && c.batched[i] ? exchanged(c.in[i])
                                           : c.in[i]);
  }
  Ints layout = control.layout;
  layout[kCaptured] += static_cast<int64_t>(part.captured.size());
  Tensors results = call(scan_op({std::move(part.graph)}, layout), inputs, c.attrs);
  for (std::size_t i = static_cast<std::size_t>(l.state); i < results.size(); ++i) results[i] = exchanged(results[i]);
  return results;
}

void complete(ControlOp& control) {
  const auto layout = std::make_shared<const Layout>(control);
  const Layout& l = *layout;
  Op& op = control.op;
  for (int64_t i = 0; i < l.captured + l.state + l.rows; ++i) {
    const char* of = i < l.captured ? "captured " : i < l.captured + l.state ? "state " : "rows ";
    op.inputs.push_back({text(of, i), Takes::Any, false, false, false});
  }
  op.attrs.push_back({"length", AttrKind::Int, {}, true, false, nullptr});
  op.attrs.push_back({"reverse", AttrKind::Bool, false, false, false, nullptr});
  op.outputs = static_cast<int>(l.state + l.outputs + (l.keeps ? l.state : 0));
  op.infer = [layout](const InferContext& c) -> Types {
    const Layout& l = *layout;
    const int64_t length = c.attrs.integer("length");
    Types types = l.state_types;
    for (const TensorType& type : l.output_types) types.push_back(stacked(type, length));
    for (const TensorType& type : l.state_types) {
      if (l.keeps) types.push_back(stacked(type, length));
    }
    return types;
  };
  add_everywhere(op, {.plan = [&control, layout](std::span<const Operand>, std::span<const Operand>, const Attrs& attrs,
                                                 const PlanContext& context) {
                   return plan_scan(control, *layout, attrs, context);
                 }});
  op.saves.outputs.assign(static_cast<std::size_t>(op.outputs), false);
  for (int64_t i = l.state + l.outputs; i < op.outputs; ++i) op.saves.outputs[i] = true;
  op.vjp = [&control](const VjpContext& c) { return gradient(control, c); };
  op.batch = [&control](const BatchContext& c) { return batch(control, c); };
}

const ControlOp& scan_op(std::vector<Graph> parts, Ints layout) {
  return control_op("scan", std::move(parts), std::move(layout), complete);
}

}  // namespace

Tensors scan(const Function& step, const Tensors& init, const Tensors& xs, int64_t length, bool reverse) {
  Types types = types_of(init);
  const auto n_state = static_cast<int64_t>(init.size()), n_rows = static_cast<int64_t>(xs.size());
  for (const Tensor& x : xs) {
    types.push_back(x.type());
    types.back().shape.erase(0);
  }
  Part part;
  {
    Trace trace({.nested = true, .where = "scan", .draws = false, .defer = true});
    TraceScope scope(&trace);
    Tensors results = step(symbols(trace, types));
    keep_dtypes(results, types_of(init));
    if (!trace.assigned().empty()) {
      throw TraceError(text("[scan] the function assigns ", trace.assigned()[0].first->name,
                            "; expected a function that does not; make it part of the state"));
    }
    check_state("scan", types_of(init), types_of(results));
    part = finished_part(trace, results, "scan");
  }
  part = hoisted(part, types, "scan");
  const auto n_captured = static_cast<int64_t>(part.captured.size());
  const auto n_outputs = static_cast<int64_t>(part.graph.results.size()) - n_state;
  const bool keeps = tape_depth() > 0 || active_recorder();
  const ControlOp* op = &scan_op({std::move(part.graph)}, {n_captured, n_state, n_rows, n_outputs, keeps});
  Tensors inputs = part.captured;
  inputs.insert(inputs.end(), init.begin(), init.end());
  inputs.insert(inputs.end(), xs.begin(), xs.end());
  Tensors results = call(*op, inputs, {{"length", length}, {"reverse", reverse}});
  results.resize(static_cast<std::size_t>(n_state + n_outputs));
  return results;
}

}  // namespace pt
