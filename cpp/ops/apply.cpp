// apply: the one way through which every op call goes, from Python, from a gradient rule or from a pass.
#include "core/convert.h"
#include "ops/autocast.h"
#include "ops/expand.h"
#include "ops/functional.h"
#include "ops/op.h"
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

// The spec of input i, where the first may be a list of tensors.
const InputSpec& input_spec(const Op& op, std::size_t i, std::size_t total) {
  if (!op.inputs.empty() && op.inputs[0].list) {
    const std::size_t listed = total - (op.inputs.size() - 1);
    return i < listed ? op.inputs[0] : op.inputs[i - listed + 1];
  }
  return op.inputs[i];
}

void check_count(const Op& op, std::size_t given) {
  const bool list = !op.inputs.empty() && op.inputs[0].list;
  if (list ? given >= op.inputs.size() : given == op.inputs.size()) return;
  throw DTypeError(text("[", op.name, "] received ", given, " tensors; expected ", op.inputs.size(),
                        list ? " or more" : "", "; see help(powertrain.", op.name, ")"));
}

// A Python number in the dtype of what it meets, with all the digits that this holds.
Tensor number_as(const Tensor& x, DType dtype, std::string_view where) {
  if (is_int(x.dtype()) && is_int(dtype)) check_holds(dtype, x.host(), x.dtype(), where);
  if (is_complex(x.dtype())) {
    const auto* parts = reinterpret_cast<const double*>(x.host());
    Tensor result = Tensor::empty({dtype, {}});
    const auto size = static_cast<int64_t>(size_of(dtype)) / 2;
    for (int64_t i = 0; i < 2; ++i) store_number(result.host() + i * size, part_dtype(dtype), parts[i]);
    return result;
  }
  const int64_t integer = is_int(x.dtype()) ? load_integer(x.host(), x.dtype()) : -1;
  Tensor result = Tensor::scalar(x.item(), dtype);
  if (is_int(dtype) && size_of(dtype) == 8 && integer >= 0) std::memcpy(result.host(), &integer, sizeof(integer));
  return result;
}

Tensor cast_to(const Tensor& x, DType dtype, std::string_view where) {
  if (x.impl().weak) return number_as(x, dtype, where);  // a weak f64 would be read as f32 further on
  if (x.dtype() == dtype) return x;
  return fn::cast(x, dtype);
}

DType default_dtype(DType weak) { return weak == DType::F64 ? DType::F32 : weak == DType::C128 ? DType::C64 : weak; }

// One dtype for all inputs that take part. Python numbers are weak: they take the dtype of the tensors that they meet,
// unless they are of a higher kind (1.5 with an integer tensor gives float32).
DType common_dtype(const Op& op, const Tensors& inputs) {
  bool strong = false, weak = false;
  DType result = DType::Bool, weak_result = DType::Bool;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !input_spec(op, i, inputs.size()).promoted) continue;
    const DType dtype = inputs[i].dtype();
    DType& into = inputs[i].impl().weak ? weak_result : result;
    bool& any = inputs[i].impl().weak ? weak : strong;
    into = any ? promote(into, dtype) : dtype;
    any = true;
  }
  if (!strong) return default_dtype(weak_result);
  if (weak && is_complex(weak_result) && is_float(result)) return complex_dtype(result);
  if (weak && info(weak_result).kind > info(result).kind) return default_dtype(weak_result);
  return result;
}

void promote_inputs(const Op& op, Tensors& inputs) {
  DType dtype = DType::F32;
  if (op.promotes) {
    dtype = common_dtype(op, inputs);
    if (op.integer_to_float && !is_continuous(dtype)) dtype = DType::F32;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    const bool shared = op.promotes && input_spec(op, i, inputs.size()).promoted;
    if (shared) {
      inputs[i] = cast_to(inputs[i], dtype, op.name);
    } else if (inputs[i].impl().weak) {
      inputs[i] = number_as(inputs[i], default_dtype(inputs[i].dtype()), op.name);
    }
  }
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
    if (present && !takes(spec.takes, in.back().dtype)) {
      throw DTypeError(text("[", op.name, "] ", spec.name, " is ", in.back(), "; expected ", takes_name(spec.takes),
                            "; convert it with astype"));
    }
  }
  const std::span<const bool> flags(reinterpret_cast<const bool*>(given.data()), given.size());
  Types types = op.infer({op, in, flags, attrs});
  for (const TensorType& type : types) check_type(type, op.name);
  return types;
}

// What eager writes replaced since the phase began.
struct Journal {
  bool on = false;
  std::vector<std::pair<SlotRef, Tensor>> old_values;
  void note(const SlotRef& slot) {
    if (!on) return;
    for (auto& [noted, value] : old_values) {
      if (noted == slot) return;
    }
    old_values.emplace_back(slot, slot->current());
  }
};
Journal& journal() {
  thread_local Journal writes;
  return writes;
}

}  // namespace

Tensors apply(const Op& op, Tensors inputs, const Attrs& given_attrs) {
  // What may be left out at the end may be missing.
  const bool list = !op.inputs.empty() && op.inputs[0].list;
  while (!list && inputs.size() < op.inputs.size() && op.inputs[inputs.size()].optional) inputs.emplace_back();
  check_count(op, inputs.size());
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
  if (by_complex_rule(op, inputs, attrs)) return expand_complex(op, inputs, attrs);
  if (op.compose && !op.vjp && !op.has_kernel() && !op.no_gradient) return expand(op, inputs, attrs);
  Types types = infer(op, inputs, attrs);
  if (symbolic) return recorder->record(op, inputs, attrs, types);
  Tensors outputs;
  try {
    outputs = evaluate(op, inputs, attrs, types);
  } catch (const GuardError&) {
    undo_phase();
    throw;
  }
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

Tensor read_slot(const SlotRef& slot) {
  if (Recorder* recorder = active_recorder()) return recorder->read(slot);
  return as_written(slot->current());
}

void write_slot(const SlotRef& slot, const Tensor& given) {
  Tensor value = given;
  if (value.shape() != slot->type().shape) {
    throw ShapeError(text("[slot ", slot->name, "] received ", value.type(), "; expected ", slot->type(),
                          "; reshape the value, or make another slot"));
  }
  if (info(value.dtype()).kind > info(slot->type().dtype).kind) {
    throw DTypeError(text("[slot ", slot->name, "] received ", value.type(), "; expected ", slot->type(),
                          ", which cannot hold what is lost of ", info(value.dtype()).name,
                          "; convert the value with astype, or make another slot"));
  }
  if (value.dtype() != slot->type().dtype) value = cast_to(value, slot->type().dtype, text("slot ", slot->name));
  if (Recorder* recorder = active_recorder()) {
    recorder->write(slot, value);
    return;
  }
  if (value.symbolic()) {
    throw TraceError(text(
        "[slot ", slot->name,
        "] received a symbolic tensor outside its trace; expected a value; assign it inside the compiled function"));
  }
  // A slot owns what it holds: memory lent by NumPy may change under it, and a tape must not live on in it.
  if (value.impl().buffer->borrowed() || slot->base()) value = to_row_major(value);
  if (value.impl().buffer->borrowed()) value = apply1("copy", {value});
  journal().note(slot);
  slot->replace(value.node() ? value.with_node(nullptr, 0) : value);
  if (value.node()) remember_written(slot->current(), value);
}

Tensor draw(std::string_view op, const SlotRef& generator, Attrs attrs) {
  const Tensor state = read_slot(generator);
  if (Recorder* recorder = active_recorder()) {
    attrs.set("ordinal", recorder->next_draw(generator));
    return apply1(op, {state}, attrs);
  }
  attrs.set("ordinal", int64_t{0});
  const Tensor drawn = apply1(op, {state}, attrs);
  write_slot(generator, moved_on(state));
  return drawn;
}

Tensor moved_on(const Tensor& state) {
  Tensor next = Tensor::empty({DType::I64, {3}});
  for (int i = 0; i < 3; ++i) {
    reinterpret_cast<int64_t*>(next.host())[i] = load_integer(state.host() + i * 8, DType::I64) + (i == 2);
  }
  return next;
}

void begin_phase() {
  if (active_recorder()) return;
  journal().old_values.clear();
  journal().on = true;
}

void end_phase() {
  if (Recorder* recorder = active_recorder()) {
    recorder->end_phase();
    return;
  }
  journal().old_values.clear();
  journal().on = false;
}

void undo_phase() {
  Journal& written = journal();
  written.on = false;
  for (auto it = written.old_values.rbegin(); it != written.old_values.rend(); ++it) it->first->replace(it->second);
  written.old_values.clear();
}

}  // namespace pt
