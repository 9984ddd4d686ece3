#include "ops/bound_plan.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "core/control_flow.h"
#include "core/interpreter.h"
#include "ops/check_true/status.h"
#include "ops/key_words.h"
#include "ops/refusal.h"
#include "ops/target.h"

namespace pt {
namespace {

struct PlanKey {
  std::vector<int64_t> words;
  bool operator==(const PlanKey&) const = default;
};
struct PlanKeyHash {
  std::size_t operator()(const PlanKey& key) const { return hash_of(key.words); }
};
constexpr std::size_t kCachedPlans = 4096;

PlanKey key_of(const Op& op, std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
               const PlanContext& context) {
  PlanKey key;
  key.words.reserve(64);
  key.words.push_back(word_of(&op));
  append(key.words, context);
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

BoundPlan bound(LaunchPlan plan, std::size_t operands, const PlanContext& context) {
  BoundPlan all;
  all.plan = std::move(plan);
  const std::size_t whole = operands + (all.plan.workspace_bytes > 0);
  for (const Launch& launch : all.plan.launches) {
    Instruction& instruction = all.instructions.emplace_back(context.target->bind(launch, context));
    instruction.operand_count = static_cast<int16_t>(launch.operands.empty() ? whole : launch.operands.size());
    all.micros += instruction.micros;
    all.parallel = all.parallel || any_parallel(instruction);
    all.open_ended = all.open_ended || instruction.control;
  }
  return all;
}

void check_status(const Op& op, const std::string& refusal, uint32_t status) {
  // First: after a loop that ended early, ops read numbers that mean nothing.
  if (status & kStatusInterrupted) throw Interrupted("");
  if (status & kStatusBadIndex) {
    throw IndexError(text("[", op.name,
                          "] received an index out of range; expected every index within the axis that it reads; check "
                          "the labels or token ids against the size"));
  }
  if (status & kStatusRefused) throw ShapeError(refusal.empty() ? op.failure() : refusal);
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

// The addresses of one launch, in its order.
class Addresses {
 public:
  Addresses(const Launch& launch, std::span<char* const> operands, char* workspace) {
    const std::size_t own = launch.operands.empty() ? operands.size() + (workspace != nullptr) : launch.operands.size();
    if (own > few_.size()) many_.resize(own);
    char** into = data();
    if (launch.operands.empty()) {
      std::copy(operands.begin(), operands.end(), into);
      if (workspace) into[operands.size()] = workspace;
    }
    for (std::size_t i = 0; i < launch.operands.size(); ++i) {
      const int at = launch.operands[i];
      into[i] = at < 0 || static_cast<std::size_t>(at) == operands.size() ? workspace : operands[at];
    }
    for (std::size_t i = 0; i < launch.byte_offsets.size(); ++i) into[i] += launch.byte_offsets[i];
  }
  char** data() { return many_.empty() ? few_.data() : many_.data(); }

 private:
  std::array<char*, 16> few_;
  std::vector<char*> many_;
};

// From this estimate on, in microseconds, a call is carried out in parts, between which it can be interrupted.
constexpr double kInPartsFromMicros = 500'000;
constexpr double kPartMicros = 100'000;
constexpr int64_t kChunksForEach = 8;

// Some chunks of a launch, as a launch of its own.
struct Part {
  KernelFn kernel;
  const void* desc;
  int64_t first;

  static void run(const KernelArgs* args, int64_t chunk) {
    const Part& part = *static_cast<const Part*>(args->desc);
    KernelArgs own = *args;
    own.desc = part.desc;
    part.kernel(&own, part.first + chunk);
  }
};

// False when the user ended it, by a signal.
bool carried_out_in_parts(Run& run, const Instruction& whole, char* const* data, int threads, StopWanted& stop) {
  Part part{whole.kernel, whole.desc, 0};
  Instruction some = whole;
  some.kernel = &Part::run;
  some.desc = &part;
  const double parts = std::max(1.0, whole.micros / kPartMicros);
  // Enough for all threads to end at about the same time.
  const int64_t size =
      std::max<int64_t>(kChunksForEach * threads, static_cast<int64_t>(static_cast<double>(whole.chunks) / parts));
  for (; part.first < whole.chunks; part.first += size) {
    some.chunks = std::min(size, whole.chunks - part.first);
    run.launch(some, data);
    if (stop.now()) return false;
  }
  return true;
}

}  // namespace

Operand operand_of(const Tensor& tensor) {
  return tensor.defined() ? Operand{tensor.dtype(), tensor.shape(), tensor.strides()} : Operand{DType::Bool, {0}, {1}};
}

bool BoundPlan::leaves_interpreter() const { return open_ended || micros >= kOutsideFromMicros; }

std::shared_ptr<const BoundPlan> bound_plan(const Op& op, std::span<const Operand> in, std::span<const Operand> out,
                                            const Attrs& attrs, const PlanContext& context) {
  thread_local std::unordered_map<PlanKey, std::shared_ptr<const BoundPlan>, PlanKeyHash> cache;
  PlanKey key = key_of(op, in, out, attrs, context);
  if (auto found = cache.find(key); found != cache.end()) return found->second;
  if (cache.size() >= kCachedPlans) cache.clear();
  BoundPlan made = bound(context.target->plan(op, in, out, attrs, context), in.size() + out.size(), context);
  made.refusal = refusal_of(op, attrs);
  auto plan = std::make_shared<const BoundPlan>(std::move(made));
  cache.emplace(std::move(key), plan);
  return plan;
}

void run_bound(const Target& target, const Op& op, const BoundPlan& bound, std::span<char* const> operands) {
  const auto workspace_bytes = static_cast<std::size_t>(bound.plan.workspace_bytes);
  const BufferRef workspace = workspace_bytes > 0 ? Buffer::allocate(workspace_bytes, target.memory()) : nullptr;
  // Of a call without effects nobody asks how it went, so that a device goes on with it alone.
  const bool waits = op.has_effect() || op.failure || bound.open_ended;
  uint32_t status = 0;
  {
    if (bound.open_ended) InsideRun::check_may_wait();
    const OutsideInterpreter outside(bound.leaves_interpreter());
    const DeviceRun run(target.device(), bound.parallel);
    const bool in_parts = bound.micros >= kInPartsFromMicros && target.memory().on_host();
    const int threads = target.context().threads;
    StopWanted stop;
    for (std::size_t l = 0; l < bound.instructions.size(); ++l) {
      const Instruction& instruction = bound.instructions[l];
      Addresses addresses(bound.plan.launches[l], operands, workspace ? workspace->address() : nullptr);
      if (!in_parts || instruction.control) {
        carry_out(*run, instruction, addresses.data());
      } else if (!carried_out_in_parts(*run, instruction, addresses.data(), threads, stop)) {
        run->raise(kStatusInterrupted);
        break;
      }
    }
    status = waits ? run->finish().status : run->status_so_far();
  }
  if (status != 0) check_status(op, bound.refusal, status);
}

}  // namespace pt
