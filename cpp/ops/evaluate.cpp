// Runs one op on concrete tensors, now.
#include <algorithm>
#include <bit>
#include <unordered_map>

#include "core/device.h"
#include "core/interpreter.h"
#include "ops/autocast.h"
#include "ops/composition.h"
#include "ops/expand.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt {
namespace {

// Plans depend on types, strides, attributes and context alone, so a loop of eager calls plans each of them once.
struct PlanKey {
  std::vector<int64_t> words;
  bool operator==(const PlanKey&) const = default;
};
struct PlanKeyHash {
  std::size_t operator()(const PlanKey& key) const {
    uint64_t hash = 0x9e3779b97f4a7c15ull;
    for (int64_t word : key.words) hash = (hash ^ static_cast<uint64_t>(word)) * 0x100000001b3ull + (hash >> 29);
    return hash;
  }
};
constexpr std::size_t kCachedPlans = 4096;

// A plan and its instructions.
struct Bound {
  LaunchPlan plan;
  std::vector<Instruction> instructions;
  double micros = 0;
  bool parallel = false, open_ended = false;
};

void append(std::vector<int64_t>& words, const Attr& value) {
  words.push_back(static_cast<int64_t>(value.index()));
  if (auto* b = std::get_if<bool>(&value)) words.push_back(*b);
  if (auto* i = std::get_if<int64_t>(&value)) words.push_back(*i);
  if (auto* d = std::get_if<double>(&value)) words.push_back(std::bit_cast<int64_t>(*d));
  if (auto* t = std::get_if<DType>(&value)) words.push_back(static_cast<int64_t>(*t));
  if (auto* s = std::get_if<std::string>(&value)) {
    words.push_back(static_cast<int64_t>(s->size()));
    words.insert(words.end(), s->begin(), s->end());
  }
  if (auto* v = std::get_if<Ints>(&value)) {
    words.push_back(static_cast<int64_t>(v->size()));
    words.insert(words.end(), v->begin(), v->end());
  }
}

PlanKey key_of(const Op& op, std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
               const PlanContext& context) {
  PlanKey key;
  key.words.reserve(64);
  key.words.push_back(static_cast<int64_t>(reinterpret_cast<intptr_t>(&op)));
  key.words.push_back(static_cast<int64_t>(reinterpret_cast<intptr_t>(context.target)));
  key.words.push_back(context.threads << 2 | int64_t{context.multiplies_tiles} << 1 | context.multiplies_pairs);
  key.words.push_back(static_cast<int64_t>(reinterpret_cast<intptr_t>(context.isa.data())));
  key.words.push_back(static_cast<int64_t>(in.size()));
  for (auto operands : {in, out}) {
    for (const Operand& o : operands) {
      key.words.push_back(static_cast<int64_t>(o.dtype) | static_cast<int64_t>(o.shape.size()) << 8);
      key.words.insert(key.words.end(), o.shape.begin(), o.shape.end());
      key.words.insert(key.words.end(), o.strides.begin(), o.strides.end());
    }
  }
  for (const auto& [name, value] : attrs.items()) append(key.words, value);
  return key;
}

Bound bound(LaunchPlan plan, const PlanContext& context) {
  Bound all;
  all.plan = std::move(plan);
  for (const Launch& launch : all.plan.launches) {
    const Instruction& instruction = all.instructions.emplace_back(context.target->bind(launch, context));
    all.micros += instruction.micros;
    all.parallel = all.parallel || instruction.parallel;
    all.open_ended = all.open_ended || launch.open_ended;
  }
  return all;
}

std::shared_ptr<const Bound> plan_of(const Op& op, std::span<const Operand> in, std::span<const Operand> out,
                                     const Attrs& attrs, const PlanContext& context) {
  thread_local std::unordered_map<PlanKey, std::shared_ptr<const Bound>, PlanKeyHash> cache;
  PlanKey key = key_of(op, in, out, attrs, context);
  if (auto found = cache.find(key); found != cache.end()) return found->second;
  if (cache.size() >= kCachedPlans) cache.clear();
  auto plan = std::make_shared<const Bound>(bound(context.target->plan(op, in, out, attrs, context), context));
  cache.emplace(std::move(key), plan);
  return plan;
}

Operand operand_of(const Tensor& t) { return {t.dtype(), t.shape(), t.strides()}; }

void check_status(const Op& op, uint32_t status) {
  // First: after a loop that ended early, ops read numbers that mean nothing.
  if (status & kStatusInterrupted) throw Interrupted("");
  if (status & kStatusBadIndex) {
    throw IndexError(text("[", op.name,
                          "] received an index out of range; expected every index within the axis that it reads; check "
                          "the labels or token ids against the size"));
  }
  if (status & kStatusNonFinite) {
    throw GuardError(text("[", op.name,
                          "] received a value that is not finite; expected finite gradients; lower the learning rate, "
                          "or clip the gradient"));
  }
  if (status & kStatusPluginError) throw KernelError(text("[", op.name, "] ", op.failure()));
  if (status & kStatusNoMemory) {
    throw OutOfMemoryError(text("[", op.name,
                                "] asked for more memory than the system has free; expected room for what it "
                                "computes; use smaller sizes"));
  }
}

void launch_all(Device& device, const Bound& bound, const std::vector<char*>& all, char* workspace, uint32_t* status) {
  if (bound.open_ended) InsideRun::check_may_wait();
  const OutsideInterpreter outside(bound.open_ended || bound.micros >= kOutsideFromMicros);
  const DeviceRun run(device, bound.parallel);
  for (std::size_t l = 0; l < bound.instructions.size(); ++l) {
    const Launch& launch = bound.plan.launches[l];
    std::vector<char*> data = all;
    if (!launch.operands.empty()) {
      data.clear();
      for (int i : launch.operands) data.push_back(i < 0 ? workspace : all[static_cast<std::size_t>(i)]);
    }
    for (std::size_t i = 0; i < launch.byte_offsets.size(); ++i) data[i] += launch.byte_offsets[i];
    device.launch(bound.instructions[l], data.data(), status);
  }
}

void run_plan(const Target& target, const Op& op, std::span<const Operand> in, std::span<const Operand> out,
              const Attrs& attrs, const Tensors& inputs, const Tensors& outputs) {
  const PlanContext context = target.context();
  const std::shared_ptr<const Bound> kept = plan_of(op, in, out, attrs, context);
  const int64_t workspace_bytes = kept->plan.workspace_bytes;
  BufferRef workspace =
      workspace_bytes > 0 ? Buffer::allocate(static_cast<std::size_t>(workspace_bytes), target.memory()) : nullptr;
  std::vector<char*> all;
  for (const Tensor& t : inputs) all.push_back(t.defined() ? t.address() : nullptr);
  for (const Tensor& t : outputs) all.push_back(t.address());
  if (workspace) all.push_back(workspace->address());
  uint32_t status = 0;
  launch_all(target.device(), *kept, all, workspace ? workspace->address() : nullptr, &status);
  check_status(op, status);
}

// What lies on the host, as numbers that definitions make do, is copied to where the op runs. The other way would wait
// for the device, and is asked for.
Tensor where_it_runs(const Op& op, const Tensor& input, const Target& target) {
  Memory& memory = input.impl().buffer->memory();
  if (&memory == &target.memory()) return input;
  if (memory.on_host()) return input.in(target.memory());
  throw Error(text("[", op.name, "] received ", input.type(), " in ", memory.name(), " memory, for target ",
                   target.name(), "; expected host memory or the target's own; copy the tensor first"));
}

Tensor copy_of(const Tensor& tensor) {
  TapeScope off(false);
  return evaluate(find_op("copy"), {tensor}, {}, {tensor.type()})[0];
}

// A view of complex numbers as real ones, or of real ones as complex, counts in elements of another size.
Tensors evaluate_view(const Op& op, const Tensor& input, const Attrs& attrs, const Types& types) {
  const auto from = static_cast<int64_t>(size_of(input.dtype())), to = static_cast<int64_t>(size_of(types[0].dtype));
  Tensor source = input;
  std::optional<View> view = op.view(operand_of(source), attrs);
  if (!view || input.impl().offset * from % to != 0) {
    source = copy_of(source);
    view = op.view(operand_of(source), attrs);
  }
  const int64_t offset = source.impl().offset * from / to + view->offset;
  return {Tensor::view(source.impl().buffer, types[0], view->strides, offset)};
}

// A composition may return what it was given, as softmax of nothing does. A tape knows values by their identity, so a
// result has one of its own.
Tensors apart_from(const Tensors& inputs, Tensors outputs) {
  for (Tensor& y : outputs) {
    const bool given =
        std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& x) { return x.defined() && x.id() == y.id(); });
    if (given) y = Tensor::view(y.impl().buffer, y.type(), y.strides(), y.impl().offset);
  }
  return outputs;
}

}  // namespace

Tensor to_row_major(const Tensor& tensor) { return tensor.row_major() ? tensor : copy_of(tensor); }

Tensors evaluate(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types) {
  if (op.view) return evaluate_view(op, inputs[0], attrs, types);
  const Target& target = current_target();
  if (!target.plans(op)) {
    if (!op.compose) target.refuse(op);
    TapeScope off(false);
    AutocastScope decided;
    return apart_from(
        inputs,
        run_composition({op, false, inputs, attrs, {}, [&](const Tensors& in) { return expand(op, in, attrs); }}));
  }
  Tensors ready;
  std::vector<Operand> in, out;
  for (const Tensor& input : inputs) {
    ready.push_back(input.defined() ? where_it_runs(op, input, target) : input);
    if (op.contiguous && input.defined()) ready.back() = to_row_major(ready.back());
    in.push_back(input.defined() ? operand_of(ready.back()) : Operand{DType::Bool, {0}, {1}});
  }
  Tensors outputs;
  bool empty = !op.passes_through;
  for (const TensorType& type : types) {
    if (!op.passes_through) outputs.push_back(op.rewrites ? copy_of(ready[0]) : Tensor::empty(type, target.memory()));
    out.push_back({type.dtype, type.shape, row_major(type.shape)});
    empty = empty && count(type.shape) == 0;
  }
  if (empty) return outputs;
  if (op.passes_through) {
    out.clear();
    run_plan(target, op, in, out, attrs, ready, {});
    return {Tensor::view(inputs[0].impl().buffer, types[0], inputs[0].strides(), inputs[0].impl().offset)};
  }
  run_plan(target, op, in, out, attrs, ready, outputs);
  return outputs;
}

}  // namespace pt
