#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>

#include "core/lock.h"
#include "ops/batching.h"
#include "ops/cpu_target.h"
#include "ops/elementwise.h"
#include "ops/fused/desc.h"
#include "ops/fused/machine.h"
#include "ops/plugin/desc.h"
#include "ops/plugin/plan.h"

namespace pt {

// Chunks of one call fail in any order: what the first of them said is kept, so that the message is the same each time.
struct PluginFailure {
  Lock busy;
  int64_t chunk = -1;
  int32_t code = 0;
  std::string message;
};

namespace {

constexpr double kChunkNs = 20000;  // work of one chunk
constexpr double kNsPerFlop = 0.25, kNsPerByte = 0.1;

void note_failure(PluginFailure* failure, int64_t chunk, int32_t code, const char* message) {
  std::lock_guard lock(failure->busy);
  if (failure->chunk >= 0 && failure->chunk <= chunk) return;
  failure->chunk = chunk;
  failure->code = code;
  failure->message = message;
}

std::string take_failure(PluginFailure& failure) {
  std::lock_guard lock(failure.busy);
  failure.chunk = -1;
  if (!failure.message.empty()) return std::move(failure.message);
  return text("its kernel returned ", failure.code, "; expected 0; see the plugin's documentation");
}

PtDataType data_type(DType dtype) {
  const uint8_t code = dtype == DType::Bool   ? PT_BOOL
                       : dtype == DType::BF16 ? PT_BFLOAT
                       : is_float(dtype)      ? PT_FLOAT
                       : is_unsigned(dtype)   ? PT_UINT
                                              : PT_INT;
  return {code, static_cast<uint8_t>(8 * size_of(dtype)), 1};
}

// Parts of one block that is later filled: each knows where it begins.
class Block {
 public:
  template <class T>
  std::size_t reserve(std::size_t count) {
    size_ = (size_ + alignof(T) - 1) / alignof(T) * alignof(T);
    const std::size_t at = size_;
    size_ += count * sizeof(T);
    return at;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

int64_t tail_bytes(const Attr& value) {
  if (auto* text = std::get_if<std::string>(&value)) return static_cast<int64_t>(text->size()) + 1;
  if (auto* integers = std::get_if<Ints>(&value)) return static_cast<int64_t>(integers->size() * sizeof(int64_t));
  return 0;
}

void set_attribute(PtAttribute& to, const char* name, const Attr& value, char* tail) {
  to.name = name;
  to.count = 0;
  to.value.integer = 0;
  if (auto* flag = std::get_if<bool>(&value)) {
    to.kind = PT_ATTRIBUTE_BOOL;
    to.value.integer = *flag;
  } else if (auto* integer = std::get_if<int64_t>(&value)) {
    to.kind = PT_ATTRIBUTE_INTEGER;
    to.value.integer = *integer;
  } else if (auto* number = std::get_if<double>(&value)) {
    to.kind = PT_ATTRIBUTE_NUMBER;
    to.value.number = *number;
  } else if (auto* words = std::get_if<std::string>(&value)) {
    to.kind = PT_ATTRIBUTE_TEXT;
    to.count = static_cast<int32_t>(words->size());
    std::memcpy(tail, words->c_str(), words->size() + 1);
    to.value.text = tail;
  } else {
    const Ints& integers = std::get<Ints>(value);
    to.kind = PT_ATTRIBUTE_INTEGERS;
    to.count = static_cast<int32_t>(integers.size());
    std::memcpy(tail, integers.data(), integers.size() * sizeof(int64_t));
    to.value.integers = reinterpret_cast<const int64_t*>(tail);
  }
}

// The block of a call. Its pointers are set once it lies where it will stay.
Descriptor describe_call(const PluginDesc& head, const Op& op, std::span<const Operand> in,
                         std::span<const Operand> out, const Attrs& attrs) {
  std::vector<Operand> operands(in.begin(), in.end());
  operands.insert(operands.end(), out.begin(), out.end());
  Block block;
  block.reserve<PluginDesc>(1);
  const std::size_t tensors_at = block.reserve<PtTensor>(operands.size());
  const std::size_t attributes_at = block.reserve<PtAttribute>(op.attrs.size());
  std::size_t sizes = 0;
  for (const Operand& operand : operands) sizes += 2 * static_cast<std::size_t>(operand.shape.size());
  const std::size_t sizes_at = block.reserve<int64_t>(sizes);
  std::vector<std::size_t> tails;
  for (const AttrSpec& spec : op.attrs) {
    tails.push_back(block.reserve<int64_t>(static_cast<std::size_t>(tail_bytes(*attrs.find(spec.name)) + 7) / 8));
  }
  const std::vector<char> zeros(block.size());
  Descriptor descriptor = Descriptor::from_bytes(zeros.data(), zeros.size());
  char* base = static_cast<char*>(const_cast<void*>(descriptor.data()));

  auto* tensors = reinterpret_cast<PtTensor*>(base + tensors_at);
  auto* numbers = reinterpret_cast<int64_t*>(base + sizes_at);
  for (const Operand& operand : operands) {
    const int ndim = operand.shape.size();
    *tensors++ = {nullptr, {PT_CPU, 0}, ndim, data_type(operand.dtype), numbers, numbers + ndim, 0};
    for (int i = 0; i < ndim; ++i) {
      numbers[i] = operand.shape[i];
      numbers[ndim + i] = operand.strides[i];
    }
    numbers += 2 * ndim;
  }
  auto* attributes = reinterpret_cast<PtAttribute*>(base + attributes_at);
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    set_attribute(attributes[i], op.attrs[i].name.c_str(), *attrs.find(op.attrs[i].name), base + tails[i]);
  }
  PluginDesc desc = head;
  desc.tensors = reinterpret_cast<const PtTensor*>(base + tensors_at);
  desc.attributes = attributes;
  std::memcpy(base, &desc, sizeof(desc));
  return descriptor;
}

Types types_of(std::span<const Operand> in, std::span<const Operand> out) {
  Types types;
  for (auto side : {in, out}) {
    for (const Operand& operand : side) types.push_back({operand.dtype, operand.shape});
  }
  return types;
}

LaunchPlan plan_call(const Op& op, const PluginSpec& spec, PluginFailure* failure, std::span<const Operand> in,
                     std::span<const Operand> out, const Attrs& attrs) {
  const Types types = types_of(in, out);
  Launch launch;
  launch.kernel = "plugin";
  for (const TensorType& type : types) {
    launch.bytes += static_cast<double>(count(type.shape)) * static_cast<double>(size_of(type.dtype));
  }
  launch.flops = spec.cost(std::span(types).first(in.size()), attrs);
  PluginDesc desc{};
  desc.function = reinterpret_cast<PtKernel>(spec.function(types));
  desc.failure = failure;
  desc.note = note_failure;
  desc.n_inputs = static_cast<int32_t>(in.size());
  desc.n_outputs = static_cast<int32_t>(out.size());
  desc.n_attributes = static_cast<int32_t>(op.attrs.size());
  desc.rows = out[0].shape.empty() ? 1 : out[0].shape[0];
  desc.chunk_rows = std::max<int64_t>(desc.rows, 1);
  if (spec.split) {
    const double row_ns =
        std::max(launch.flops * kNsPerFlop, launch.bytes * kNsPerByte) / static_cast<double>(desc.chunk_rows);
    desc.chunk_rows = std::clamp(static_cast<int64_t>(kChunkNs / std::max(row_ns, 0.01)), int64_t{1}, desc.chunk_rows);
  }
  launch.chunks = (std::max<int64_t>(desc.rows, 1) + desc.chunk_rows - 1) / desc.chunk_rows;
  launch.desc = describe_call(desc, op, in, out, attrs);
  LaunchPlan plan;
  plan.launches.push_back(std::move(launch));
  return plan;
}

double number_of(const Attr& value) {
  if (auto* flag = std::get_if<bool>(&value)) return *flag;
  if (auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

// One formula for each function and set of numbers, kept for good: programs hold its address.
const ExternalFormula* intern(const ExternalFormula& formula) {
  static Lock busy;
  static auto& all = *new std::deque<ExternalFormula>();
  std::lock_guard lock(busy);
  for (const ExternalFormula& known : all) {
    if (std::memcmp(&known, &formula, sizeof(formula)) == 0) return &known;
  }
  all.push_back(formula);
  return &all.back();
}

void make_elementwise(Op& op, const PluginSpec& spec) {
  op.elementwise = true;
  op.infer = infer_elementwise;
  op.batch = batch_broadcast;
  op.formula = [&op, &spec](const Attrs& attrs, DType dtype) {
    ExternalFormula formula{};
    const TensorType computed[] = {{dtype, {}}};
    formula.function = reinterpret_cast<void*>(spec.function(computed));
    formula.arity = op.input_count();
    formula.flops = spec.cost(computed, attrs);
    for (std::size_t i = 0; i < op.attrs.size(); ++i) formula.attributes[i] = number_of(*attrs.find(op.attrs[i].name));
    return intern(formula);
  };
}

void check_spec(const PluginSpec& spec) {
  auto fail = [&](auto... parts) { throw KernelError(text("[kernel ", spec.name, "] ", parts...)); };
  if (find_op_or_null(spec.name)) fail("the engine has an op of that name; expected another; rename the kernel");
  const std::size_t most = spec.elementwise ? 3 : kPluginTensors - static_cast<std::size_t>(spec.outputs);
  if (spec.inputs.empty() || spec.inputs.size() > most) {
    fail("received ", spec.inputs.size(), " inputs; expected 1 to ", most, "; split the kernel");
  }
  if (!spec.elementwise) return;
  if (spec.attrs.size() > kExternalAttributes) {
    fail("received ", spec.attrs.size(), " parameters; expected at most ", kExternalAttributes,
         " of an elementwise kernel; compute what can be known before");
  }
  for (const AttrSpec& attr : spec.attrs) {
    if (attr.kind != AttrKind::Bool && attr.kind != AttrKind::Int && attr.kind != AttrKind::Number) {
      fail(attr.name, " is no number; expected numbers alone as parameters of an elementwise kernel; make it one");
    }
  }
}

}  // namespace

const Op& make_plugin_op(PluginSpec given) {
  check_spec(given);
  struct Kept {
    PluginSpec spec;
    Op op, there;
    PluginFailure failure;
  };
  static Lock busy;
  static auto& kept = *new std::deque<Kept>();  // never destroyed: Python objects in it would outlive their interpreter
  std::lock_guard lock(busy);
  Kept& made = kept.emplace_back();
  made.spec = std::move(given);
  const PluginSpec& spec = made.spec;
  Op& op = made.op;
  PluginFailure* failure = &made.failure;
  op.name = spec.name;
  op.inputs = spec.inputs;
  op.attrs = spec.attrs;
  op.outputs = spec.outputs;
  op.integer_to_float = spec.integer_to_float;
  op.contiguous = true;
  op.doc = spec.doc;
  op.vjp = spec.vjp;
  op.compose = spec.compose;
  op.saves = {{}, std::vector<bool>(static_cast<std::size_t>(spec.outputs), true)};
  op.failure = [failure] { return take_failure(*failure); };
  if (spec.elementwise) {
    op.contiguous = false;
    make_elementwise(op, spec);
  } else {
    op.may_fail = true;
    op.infer = [&spec](const InferContext& context) { return spec.shape(context.in, context.attrs); };
  }
  define_elsewhere(op, made.there, spec);
  if (spec.elementwise) return op;
  on_cpu(op,
         {.plan = [&op, &spec, failure](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                                        const PlanContext&) { return plan_call(op, spec, failure, in, out, attrs); }});
  return op;
}

}  // namespace pt
