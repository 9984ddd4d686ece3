#include "ops/loaded_device.h"

#include <dlfcn.h>

#include <algorithm>
#include <cfenv>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/lock.h"
#include "ops/fused/machine.h"

namespace pt {
namespace {

// What a device does in a microsecond, about: for the question whether other threads of Python may run meanwhile.
constexpr double kFlopsPerMicro = 10e6;
constexpr double kBytesPerMicro = 1e6;
constexpr double kMicrosOfALaunch = 3;

// What the next allocation of this thread is to give, since the library has given it out already.
thread_local char* adopted = nullptr;

class LoadedMemory final : public Memory {
 public:
  explicit LoadedMemory(const PtdDevice& table) : table_(table), name_(table.name) {}
  std::string_view name() const override { return name_; }
  char* allocate(std::size_t bytes) override {
    if (adopted) return std::exchange(adopted, nullptr);
    char* address = nullptr;
    checked([&](PtdFailure* failure) { return table_.allocate(table_.self, bytes, &address, failure); });
    return address;
  }
  void free(char* address, std::size_t bytes) override { table_.free(table_.self, address, bytes); }
  void copy(char* to, const char* from, std::size_t bytes) override {
    checked([&](PtdFailure* failure) { return table_.copy(table_.self, to, from, bytes, failure); });
  }
  void fill(char* to, int value, std::size_t bytes) override {
    checked([&](PtdFailure* failure) { return table_.fill(table_.self, to, value, bytes, failure); });
  }
  void copy_in(char* to, const char* host, std::size_t bytes) override {
    checked([&](PtdFailure* failure) { return table_.copy_in(table_.self, to, host, bytes, failure); });
  }
  void copy_out(char* host, const char* from, std::size_t bytes) override {
    checked([&](PtdFailure* failure) { return table_.copy_out(table_.self, host, from, bytes, failure); });
  }

 private:
  template <class Call>
  void checked(Call call) const {
    PtdFailure failure{};
    if (!call(&failure)) throw_failure(failure);
  }
  const PtdDevice& table_;
  std::string name_;
};

// A run of the library's, or one that it records.
class LoadedRun final : public Run {
 public:
  LoadedRun(const PtdDevice& table, void* run) : table_(table), run_(run) {}

  void launch(const Instruction& instruction, char* const* data) override {
    checked([&](PtdFailure* failure) {
      return table_.launch(run_, instruction.desc, data, instruction.operand_count, instruction.commits, failure);
    });
  }
  // What the executor itself has raised, the device does not know: then nothing more is committed.
  Guard guard(int phase, bool forgives) override {
    if (raised_) return tripped_phase_ = phase, Guard::Tripped;
    checked([&](PtdFailure* failure) { return table_.guard(run_, phase, forgives, failure); });
    return Guard::Passed;
  }
  void commit(bool writes) override {
    checked([&](PtdFailure* failure) { return table_.commit(run_, writes, failure); });
  }
  bool flag(const char* address) override {
    bool value = false;
    checked([&](PtdFailure* failure) { return table_.flag(run_, address, &value, failure); });
    return value;
  }
  void raise(uint32_t bits) override { raised_ |= bits; }
  uint32_t status_so_far() const override { return raised_; }
  RunReport finish() override {
    PtdOutcome outcome{};
    over_ = true;
    checked([&](PtdFailure* failure) { return table_.finish(run_, &outcome, failure); });
    const bool by_device = outcome.status != 0 || tripped_phase_ < 0;
    return {by_device ? outcome.tripped_phase : tripped_phase_, outcome.committed_phases, outcome.status | raised_};
  }
  void end() override {
    PtdFailure unheard{};  // nobody asked; a device that is lost says so at the next call
    if (!over_ && failed_) {
      table_.abandon(run_);
    } else if (!over_) {
      table_.finish(run_, nullptr, &unheard);
    }
    of_thread().pop_back();
  }

  static std::deque<LoadedRun>& of_thread() {
    thread_local std::deque<LoadedRun> runs;
    return runs;
  }

 private:
  template <class Call>
  void checked(Call call) {
    PtdFailure failure{};
    if (call(&failure)) return;
    failed_ = true;
    throw_failure(failure);
  }
  const PtdDevice& table_;
  void* run_;
  uint32_t raised_ = 0;
  int tripped_phase_ = -1;
  bool over_ = false, failed_ = false;
};

class LoadedRecording final : public Recording {
 public:
  LoadedRecording(const PtdDevice& table, void* recording) : table_(table), recording_(recording) {}
  ~LoadedRecording() override { table_.forget(table_.self, recording_); }
  LoadedRecording(const LoadedRecording&) = delete;
  LoadedRecording& operator=(const LoadedRecording&) = delete;
  RunReport play() override {
    PtdOutcome outcome{};
    PtdFailure failure{};
    if (!table_.play(table_.self, recording_, &outcome, &failure)) throw_failure(failure);
    return {outcome.tripped_phase, outcome.committed_phases, outcome.status};
  }

 private:
  const PtdDevice& table_;
  void* recording_;
};

class LoadedQueue final : public Device {
 public:
  LoadedQueue(const PtdDevice& table, Memory& memory) : table_(table), memory_(memory) {}
  std::string_view name() const override { return memory_.name(); }
  Memory& memory() override { return memory_; }
  Run& begin(bool) override {
    void* run = nullptr;
    PtdFailure failure{};
    if (!table_.begin(table_.self, &run, &failure)) throw_failure(failure);
    return LoadedRun::of_thread().emplace_back(table_, run);
  }
  bool records() const override { return table_.record != nullptr; }
  std::unique_ptr<Recording> record(const std::function<void(Run&)>& body) override {
    void* run = nullptr;
    void* kept = nullptr;
    PtdFailure failure{};
    if (!table_.record(table_.self, &run, &failure)) throw_failure(failure);
    try {
      LoadedRun noting(table_, run);
      body(noting);
      // Nothing was done yet, and a part of a loop is not worth keeping.
      if (noting.status_so_far() & kStatusInterrupted) throw Interrupted("");
      if (noting.status_so_far()) {
        throw OutOfMemoryError(text("[", name(), "] had no memory for what it was to record; expected room for the ",
                                    "step; use a smaller batch or model"));
      }
    } catch (...) {
      table_.abandon(run);
      throw;
    }
    if (!table_.keep(run, &kept, &failure)) throw_failure(failure);
    return std::make_unique<LoadedRecording>(table_, kept);
  }
  void wait() override {
    PtdFailure failure{};
    if (!table_.wait(table_.self, &failure)) throw_failure(failure);
  }

 private:
  const PtdDevice& table_;
  Memory& memory_;
};

class LoadedTarget final : public Target {
 public:
  LoadedTarget(const PtdDevice& table, Memory& memory)
      : Target(table.name, memory), table_(table), device_(table, memory), limits_(limits_of(table)) {
    const std::set<std::string> followed(table.followed, table.followed + table.n_followed);
    for (int32_t i = 0; i < table.n_ops; ++i) {
      const std::string op = table.ops[i];
      const Op& known = find_op(op);
      OpPlan plan = {.plan = [&known](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                                      const PlanContext& context) {
        return loaded_plan(table_of(context), known, in, out, attrs, context.printed);
      }};
      if (followed.contains(op)) add_epilogues(plan, known);
      add(op, std::move(plan));
    }
  }
  // Another device of the same library.
  LoadedTarget(const PtdDevice& table, Memory& memory, const Target& plans_of)
      : Target(table.name, memory, plans_of), table_(table), device_(table, memory), limits_(limits_of(table)) {}

  LaunchPlan plan_fused(const FusedProgram& program, const PlanContext& context) const override {
    for (const FusedStep& step : program.steps) {
      if (step.external) refuse_kernel(step.op, name());
    }
    return loaded_fused_plan(table_, program, context.printed);
  }
  const FusionLimits& fusion_limits() const override { return limits_; }
  Instruction bind(const Launch& launch, const PlanContext&) const override {
    Instruction instruction{};
    instruction.control = launch.control.get();
    instruction.desc = launch.desc.data();
    instruction.chunks = launch.chunks;
    instruction.micros =
        static_cast<float>(kMicrosOfALaunch + std::max(launch.flops / kFlopsPerMicro, launch.bytes / kBytesPerMicro));
    return instruction;
  }
  Device& device() const override { return device_; }
  PlanContext context() const override {
    static constexpr std::string_view no_instruction_set = "device";
    return {.target = this, .isa = no_instruction_set};
  }
  PlanContext context_of_steps() const override {
    PlanContext of_steps = context();
    of_steps.printed = true;
    return of_steps;
  }

 private:
  static const PtdDevice& table_of(const PlanContext& context) {
    return static_cast<const LoadedTarget*>(context.target)->table_;
  }
  // Of all devices of the library alike.
  void add_epilogues(OpPlan& plan, const Op& op) const {
    plan.epilogue_fits = [&op, &table = table_](const FusedProgram& program, const Types& in, const TensorType& result,
                                                const Attrs& attrs, std::string* why) {
      return loaded_takes_epilogue(table, op, in, result, program, attrs, why);
    };
    plan.plan_epilogue = [&op](std::span<const Operand> in, const TensorType& result, const FusedProgram& program,
                               const Attrs& attrs, const PlanContext& context, const RowConsumer*) {
      return loaded_epilogue_plan(table_of(context), op, in, result, program, attrs, context.printed);
    };
  }
  static FusionLimits limits_of(const PtdDevice& table) {
    return {static_cast<std::size_t>(table.limits.operands),
            static_cast<std::size_t>(table.limits.members),
            table.limits.few_rows,
            table.limits.long_row,
            table.limits.rounds_halves,
            table.limits.casts_together,
            table.limits.saves_launches,
            false};
  }
  const PtdDevice& table_;
  mutable LoadedQueue device_;
  FusionLimits limits_;
};

struct Library {
  PtdEntry entry = nullptr;
  PtdCount count = nullptr;
  const Target* first = nullptr;  // which holds the plans
  std::map<int, LoadedDevice> devices;
};

// Never destroyed: tensors may go while the process ends.
std::map<std::string, Library>& libraries() {
  static auto& all = *new std::map<std::string, Library>;
  return all;
}
Lock& busy() {
  static auto& lock = *new Lock;
  return lock;
}

Library& opened(const std::string& path) {
  if (const auto found = libraries().find(path); found != libraries().end()) return found->second;
  std::fenv_t environment;  // which a library's constructors may change
  std::fegetenv(&environment);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::fesetenv(&environment);
  if (!handle) {
    const char* said = dlerror();
    throw Error(text("[device ", path, "] it cannot be loaded: ", said ? said : "no reason given",
                     "; expected a device's library for this machine; install its package again"));
  }
  Library library;
  library.entry = reinterpret_cast<PtdEntry>(dlsym(handle, POWERTRAIN_DEVICE_ENTRY));
  library.count = reinterpret_cast<PtdCount>(dlsym(handle, POWERTRAIN_DEVICE_COUNT));
  if (!library.entry || !library.count) {
    throw Error(text("[device ", path, "] it has no ", POWERTRAIN_DEVICE_ENTRY, " or no ", POWERTRAIN_DEVICE_COUNT,
                     "; expected a device's library; check the path"));
  }
  return libraries().emplace(path, library).first->second;
}

}  // namespace

void refuse_kernel(const std::string& plugin, const std::string& target) {
  throw KernelError(
      text("[", plugin, "] the kernel has no code for ", target,
           ", and no reference; expected one of them; pass cuda= or reference= to Kernel, or compute it on "
           "the CPU with .to('cpu')"));
}

void throw_failure(const PtdFailure& failure) {
  const std::string said = failure.text;
  switch (failure.kind) {
    case PTD_OUT_OF_MEMORY:
      throw OutOfMemoryError(said);
    case PTD_NOT_PLANNED:
    case PTD_LOST:
      throw KernelError(said);
    default:
      throw Error(said);
  }
}

const LoadedDevice& load_device(const std::string& path, int ordinal, const std::string& engine) {
  const std::lock_guard lock(busy());
  Library& library = opened(path);
  if (const auto found = library.devices.find(ordinal); found != library.devices.end()) return found->second;
  auto table = std::make_unique<PtdDevice>();
  table->layout = POWERTRAIN_DEVICE_LAYOUT;
  table->bytes = sizeof(PtdDevice);
  PtdFailure failure{};
  if (!library.entry(engine.c_str(), ordinal, table.get(), &failure)) {
    if (failure.kind == PTD_OUT_OF_MEMORY) throw OutOfMemoryError(failure.text);
    throw Error(failure.text);
  }
  if (table->layout != POWERTRAIN_DEVICE_LAYOUT || table->bytes != int64_t{sizeof(PtdDevice)}) {
    throw Error(text("[device ", path, "] has layout ", table->layout, " with ", table->bytes, " bytes; expected ",
                     POWERTRAIN_DEVICE_LAYOUT, " with ", sizeof(PtdDevice), ", those of powertrain ", engine,
                     "; install the same version of both"));
  }
  const PtdDevice& kept = *table.release();
  auto& memory = *new LoadedMemory(kept);
  const Target* target =
      library.first ? new LoadedTarget(kept, memory, *library.first) : new LoadedTarget(kept, memory);
  if (!library.first) library.first = target;
  return library.devices.emplace(ordinal, LoadedDevice{kept.name, kept.description, target, &kept}).first->second;
}

int count_devices(const std::string& path, std::string* why) {
  const std::lock_guard lock(busy());
  PtdFailure failure{};
  const int devices = opened(path).count(&failure);
  if (devices <= 0 && why) *why = failure.text;
  return std::max(devices, 0);
}

BufferRef adopt(const LoadedDevice& device, char* address, std::size_t bytes) {
  adopted = address;
  return Buffer::allocate(bytes, device.target->memory());
}

const LoadedDevice* loaded_device_of(const Memory& memory) {
  for (const LoadedDevice* device : loaded_devices()) {
    if (&device->target->memory() == &memory) return device;
  }
  return nullptr;
}

std::vector<const LoadedDevice*> loaded_devices() {
  const std::lock_guard lock(busy());
  std::vector<const LoadedDevice*> all;
  for (const auto& [path, library] : libraries()) {
    for (const auto& [ordinal, device] : library.devices) all.push_back(&device);
  }
  return all;
}

std::optional<PtdGeometry> launch_geometry(const Target& target, const Launch& launch) {
  for (const LoadedDevice* device : loaded_devices()) {
    if (device->target != &target || launch.control) continue;
    PtdGeometry geometry{};
    device->table->geometry(launch.desc.data(), &geometry);
    return geometry;
  }
  return std::nullopt;
}

}  // namespace pt
