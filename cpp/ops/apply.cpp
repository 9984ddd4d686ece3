// apply: the one way through which every op call goes, from Python, from a gradient rule or from a pass.
#include "core/convert.h"
#include "ops/autocast.h"
#include "ops/composition.h"
#include "ops/expand.h"
#include "ops/functional.h"
#include "ops/kept_layout.h"
#include "ops/op.h"
#include "ops/prepared.h"
#include "ops/promotion.h"
#include "ops/recorder.h"
#include "ops/tape.h"

namespace pt {
namespace {

bool takes(Takes kind, DType dtype) {
  switch (kind) {
    case Takes::Any:
      return true;
    case Takes::Number:
      return dtype != DType::Bool;
    case Takes::Float:
      return is_float(dtype);
    case Takes::Integer:
      return is_int(dtype);
    case Takes::Bits:
      return !is_float(dtype);
    case Takes::Bool:
      return dtype == DType::Bool;
  }
  return false;
}

const char* takes_name(Takes kind) {
  switch (kind) {
    case Takes::Any:
      return "any dtype";
    case Takes::Number:
      return "numbers";
    case Takes::Float:
      return "floating-point numbers";
    case Takes::Integer:
      return "integers";
    case Takes::Bits:
      return "integers or bool";
    case Takes::Bool:
      return "bool";
  }
  return "";
}

void check_count(const Op& op, std::size_t given) {
  const bool list = !op.inputs.empty() && op.inputs[0].list;
  if (list ? given >= op.inputs.size() : given == op.inputs.size()) return;
  throw DTypeError(text("[", op.name, "] received ", given, " tensors; expected ", op.inputs.size(),
                        list ? " or more" : "", "; see help(powertrain.", op.name, ")"));
}

Types infer(const Op& op, const Tensors& inputs, const Attrs& attrs) {
  Types in;
  std::vector<char> given;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputSpec& spec = input_spec(op, i, inputs.size());
    const bool present = inputs[i].defined();
    if (!present && !spec.optional) {
      throw DTypeError(text("[", op.name, "] ", spec.name, " is None; expected a tensor; pass one"));
    }
    in.push_back(present ? inputs[i].type() : TensorType{DType::Bool, {}});
    given.push_back(present);
    const bool taken = takes(spec.takes, in.back().dtype) || (op.takes_complex && is_complex(in.back().dtype));
    if (present && !taken) {
      throw DTypeError(text("[", op.name, "] ", spec.name, " is ", in.back(), "; expected ", takes_name(spec.takes),
                            "; convert it with astype"));
    }
  }
  const std::span<const bool> flags(reinterpret_cast<const bool*>(given.data()), given.size());
  Types types = op.infer({op, in, flags, attrs});
  for (const TensorType& type : types) check_type(type, op.name);
  return types;
}

// Loops over much memory run as one, and the tape remembers them as one call: going back is such a loop too.
bool run_on_tape(const Composition& c, Tensors& outputs) {
  if (!is_large(c.inputs) || !depends_on_tape(c.inputs)) return false;
  {
    const TapeScope off(false);
    if (!run_as_program(c, outputs)) return false;
  }
  Types types;
  for (const Tensor& y : outputs) types.push_back(y.type());
  remember_on_tape(c.op, c.inputs, c.attrs, types, outputs);
  return true;
}

}  // namespace

Tensors apply(const Op& op, Tensors inputs, const Attrs& given_attrs) {
  // What may be left out at the end may be missing.
  const bool list = !op.inputs.empty() && op.inputs[0].list;
  while (!list && inputs.size() < op.inputs.size() && op.inputs[inputs.size()].optional) inputs.emplace_back();
  check_count(op, inputs.size());
  std::array<const Tensor*, kMostPreparedInputs> seen{};
  const std::size_t few = std::min(inputs.size(), seen.size());
  for (std::size_t i = 0; i < few; ++i) seen[i] = &inputs[i];
  CallKey key;
  bool is_new = few == inputs.size() && key.set(op, {seen.data(), few}, given_attrs);
  if (is_new) {
    if (PreparedResults results; run_prepared(key, op, {seen.data(), few}, results)) {
      const std::span<Tensor> made = results.all();
      return {std::make_move_iterator(made.begin()), std::make_move_iterator(made.end())};
    }
    is_new = !is_known(key);
  }
  const Tensors given = is_new ? inputs : Tensors();
  if (autocast_dtype() != DType::F32) {
    const Precision precision = precision_of(op);
    if (precision != Precision::Follows) return apply_autocast(op, precision, std::move(inputs), given_attrs);
  }
  const Attrs attrs = op.complete(given_attrs);
  promote_inputs(op, inputs);
  Recorder* recorder = active_recorder();
  bool symbolic = recorder != nullptr && (op.random || recorder->defers());
  for (const Tensor& input : inputs) {
    if (!input.defined() || input.concrete()) continue;
    if (!input.symbolic()) {
      throw TraceError(
          text("[", op.name,
               "] received a tensor whose memory the tape has let go; expected a value; keep the tensor itself"));
    }
    symbolic = true;
    if (!recorder || !recorder->knows(input.impl().trace)) {
      throw TraceError(text("[", op.name,
                            "] received a symbolic tensor of a trace that has ended; expected a value; return it from "
                            "the compiled function instead of keeping it"));
    }
  }
  if (op.elementwise && !symbolic) {
    if (const Ints order = storage_order(inputs); !order.empty()) return apply_in_order(op, inputs, attrs, order);
  }
  if (by_complex_rule(op, inputs, attrs)) return expand_complex(op, inputs, attrs);
  if (is_made_of_others(op)) {
    const auto parts = [&](const Tensors& in) { return expand(op, in, attrs); };
    // A tape records the parts, whose gradients are this op's; under autocast each part decides for itself.
    if (symbolic || autocast_dtype() != DType::F32) return parts(inputs);
    if (Tensors outputs; run_on_tape({op, false, inputs, attrs, {}, parts, {}, true}, outputs)) return outputs;
    Tensors outputs = run_composition({op, false, inputs, attrs, {}, parts});
    if (is_new) prepare_composition(key, op, given, inputs, attrs, {}, outputs);
    return outputs;
  }
  Types types = infer(op, inputs, attrs);
  if (symbolic) return recorder->record(op, inputs, attrs, types);
  Tensors outputs;
  try {
    outputs = evaluate(op, inputs, attrs, types);
  } catch (const GuardError&) {
    undo_phase();
    throw;
  }
  if (is_new) prepare(key, op, given, inputs, attrs, types, outputs);
  remember_on_tape(op, inputs, attrs, types, outputs);
  return outputs;
}

Tensor apply1(std::string_view op, Tensors inputs, const Attrs& attrs) {
  return apply(find_op(op), std::move(inputs), attrs)[0];
}

Recorder*& active_recorder() {
  thread_local Recorder* recorder = nullptr;
  return recorder;
}

Locator& locator() {
  static Locator current = nullptr;
  return current;
}

Namer& namer() {
  static Namer current = nullptr;
  return current;
}

Tensor read_slot(const SlotRef& slot) {
  if (Recorder* recorder = active_recorder()) return recorder->read(slot);
  return as_written(slot->current());
}

void write_slot(const SlotRef& slot, const Tensor& given) {
  Tensor value = given;
  if (value.shape() != slot->type().shape) {
    throw ShapeError(text("[", slot->label(), "] received ", value.type(), "; expected ", slot->type(),
                          "; reshape the value, or make another slot"));
  }
  if (info(value.dtype()).kind > info(slot->type().dtype).kind) {
    throw DTypeError(text("[", slot->label(), "] received ", value.type(), "; expected ", slot->type(),
                          ", which cannot hold what is lost of ", info(value.dtype()).name,
                          "; convert the value with astype, or make another slot"));
  }
  if (value.dtype() != slot->type().dtype) value = in_dtype(value, slot->type().dtype, slot->label());
  if (Recorder* recorder = active_recorder()) {
    recorder->write(slot, value);
    return;
  }
  if (value.symbolic()) {
    throw TraceError(text(
        "[", slot->label(),
        "] received a symbolic tensor outside its trace; expected a value; assign it inside the compiled function"));
  }
  // A slot owns what it holds: memory lent by NumPy may change under it, and a tape must not live on in it. A piece of
  // a flat slot copies it.
  if (value.impl().buffer->borrowed() || slot->base()) value = to_row_major(value);
  if (value.impl().buffer->borrowed() && !slot->base()) value = apply1("copy", {value});
  note_write(slot);
  const Tensor there = slot->travels ? value : moved(value, slot->memory());
  slot->replace(there.node() ? there.with_node(nullptr, 0) : there);
  if (value.node()) remember_written(slot->current(), value);
}

Tensor moved_on(const Tensor& state) {
  Tensor next = Tensor::empty({DType::I64, {3}});
  for (int i = 0; i < 3; ++i) {
    reinterpret_cast<int64_t*>(next.host())[i] = load_integer(state.host() + i * 8, DType::I64) + (i == 2);
  }
  return next;
}

}  // namespace pt
