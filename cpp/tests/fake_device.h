// A device whose memory the host cannot read: pages are closed but while a launch or a copy of the device runs, so that
// any other access faults. Operands of launches have to lie in it. It plans what the CPU plans, and runs the same
// kernels.
#pragma once
#include <sys/mman.h>

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "core/error.h"
#include "ops/cpu_target.h"

namespace pt::check {

class ClosedMemory final : public Memory {
 public:
  explicit ClosedMemory(std::string name) : name_(std::move(name)) {
    void* made = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) throw Error("[fake device] got no address space; expected some; free memory");
    begin_ = static_cast<char*>(made);
  }
  std::string_view name() const override { return name_; }
  char* allocate(std::size_t bytes) override {
    const std::size_t room = rounded(bytes);
    std::vector<char*>& again = freed_[room];
    if (!again.empty()) {
      char* address = again.back();
      again.pop_back();
      return address;
    }
    if (used_ + room > kBytes) throw OutOfMemoryError("[fake device] is full; expected less; use a smaller model");
    used_ += room;
    return begin_ + used_ - room;
  }
  void free(char* address, std::size_t bytes) override { freed_[rounded(bytes)].push_back(address); }
  void copy(char* to, const char* from, std::size_t bytes) override { inside(to, from, bytes); }
  void copy_in(char* to, const char* host, std::size_t bytes) override { inside(to, host, bytes); }
  void copy_out(char* host, const char* from, std::size_t bytes) override { inside(host, from, bytes); }
  void fill(char* to, int value, std::size_t bytes) override {
    const Open open(*this);
    std::memset(to, value, bytes);
  }

  bool holds(const char* address) const { return address >= begin_ && address < begin_ + kBytes; }

  struct Open {
    explicit Open(ClosedMemory& memory) : memory(memory) { memory.turn(1); }
    ~Open() { memory.turn(-1); }
    Open(const Open&) = delete;
    ClosedMemory& memory;
  };

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 28;
  // At least a line between two, as other memory has it.
  static std::size_t rounded(std::size_t bytes) { return (bytes + 128) / 64 * 64; }
  void inside(char* to, const char* from, std::size_t bytes) {
    const Open open(*this);
    std::memcpy(to, from, bytes);
  }
  void turn(int by) {
    open_ += by;
    if (open_ == (by > 0 ? 1 : 0)) mprotect(begin_, kBytes, by > 0 ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
  std::string name_;
  char* begin_;
  std::size_t used_ = 0;
  int open_ = 0;
  std::map<std::size_t, std::vector<char*>> freed_;
};

// The fake device's side of a run, where kernels are done by the CPU's run, each in its turn.
struct FakeProgress {
  explicit FakeProgress(ClosedMemory& memory, bool parallel) : memory(memory), cpu(cpu_target().device(), parallel) {}
  ClosedMemory& memory;
  DeviceRun cpu;
  bool halted = false, left_out = false;  // the run from here on; this phase's commits
};
using FakeWork = std::function<void(FakeProgress&)>;

// With `defers`, work is done when somebody waits for it: guards are decided there, and commits depend on them there.
class FakeRun final : public Run {
 public:
  FakeRun(ClosedMemory& memory, bool parallel, bool defers) : progress_(memory, parallel), defers_(defers) {}

  void launch(const Instruction& instruction, char* const* data) override {
    for (int i = 0; i < instruction.operand_count; ++i) {
      if (data[i] && !progress_.memory.holds(data[i])) {
        throw Error(text("[fake device] operand ", i, " of a launch lies in other memory; expected the device's own; ",
                         "copy it there before the run"));
      }
    }
    std::vector<char*> addresses(data, data + instruction.operand_count);
    queue([instruction, addresses](FakeProgress& at) {
      if (at.halted || (at.left_out && instruction.commits)) return;
      const ClosedMemory::Open open(at.memory);
      at.cpu->launch(instruction, addresses.data());
    });
  }
  Guard guard(int phase, bool forgives) override {
    Guard said = Guard::Passed;
    queue([phase, forgives, &said, now = !defers_](FakeProgress& at) {
      if (at.halted) return;
      const Guard found = at.cpu->guard(phase, forgives);
      at.halted = found == Guard::Tripped;
      at.left_out = found == Guard::Forgiven;
      if (now) said = found;
    });
    return raised_ ? Guard::Tripped : said;
  }
  void commit(bool writes) override {
    queue([writes](FakeProgress& at) {
      if (!at.halted && !at.left_out) at.cpu->commit(writes);
      at.left_out = false;
    });
  }
  bool flag(const char* address) override {
    do_all();
    const ClosedMemory::Open open(progress_.memory);
    return progress_.cpu->flag(address);
  }
  void raise(uint32_t bits) override {
    raised_ |= bits;
    queue([bits](FakeProgress& at) { at.cpu->raise(bits); });
  }
  uint32_t status_so_far() const override { return defers_ ? raised_ : progress_.cpu->status_so_far(); }
  RunReport finish() override {
    do_all();
    return progress_.cpu->finish();
  }
  void end() override {
    do_all();
    runs().pop_back();
  }

  static std::deque<FakeRun>& runs() {
    thread_local std::deque<FakeRun> of_thread;
    return of_thread;
  }
  std::vector<FakeWork> taken() { return std::exchange(waiting_, {}); }

 private:
  void queue(FakeWork work) {
    if (!defers_) return work(progress_);
    waiting_.push_back(std::move(work));
  }
  void do_all() {
    for (const FakeWork& work : taken()) work(progress_);
  }
  FakeProgress progress_;
  bool defers_;
  uint32_t raised_ = 0;
  std::vector<FakeWork> waiting_;
};

class FakeRecording final : public Recording {
 public:
  FakeRecording(ClosedMemory& memory, std::vector<FakeWork> work, int& plays)
      : memory_(memory), work_(std::move(work)), plays_(plays) {}
  RunReport play() override {
    ++plays_;
    FakeProgress progress(memory_, true);
    for (const FakeWork& work : work_) work(progress);
    return progress.cpu->finish();
  }

 private:
  ClosedMemory& memory_;
  std::vector<FakeWork> work_;
  int& plays_;
};

class FakeDevice final : public Device {
 public:
  FakeDevice(ClosedMemory& memory, bool defers) : memory_(memory), defers_(defers) {}
  std::string_view name() const override { return memory_.name(); }
  Memory& memory() override { return memory_; }
  Run& begin(bool parallel) override {
    ++runs;
    return FakeRun::runs().emplace_back(memory_, parallel, defers_);
  }
  bool records() const override { return defers_; }
  std::unique_ptr<Recording> record(const std::function<void(Run&)>& body) override {
    ++recordings;
    FakeRun noting(memory_, false, true);
    body(noting);
    return std::make_unique<FakeRecording>(memory_, noting.taken(), plays);
  }
  void wait() override {}

  int runs = 0, recordings = 0, plays = 0;

 private:
  ClosedMemory& memory_;
  bool defers_;
};

class FakeTarget final : public Target {
 public:
  FakeTarget(std::string name, FakeDevice& device) : Target(std::move(name), device.memory()), device_(device) {}
  FakeTarget(std::string name, FakeDevice& device, const Target& plans_of)
      : Target(std::move(name), device.memory(), plans_of), device_(device) {}
  LaunchPlan plan_fused(const FusedProgram& program, const PlanContext& context) const override {
    return cpu_target().plan_fused(program, context);
  }
  const FusionLimits& fusion_limits() const override { return cpu_target().fusion_limits(); }
  Instruction bind(const Launch& launch, const PlanContext& context) const override {
    return cpu_target().bind(launch, context);
  }
  Device& device() const override { return device_; }
  PlanContext context() const override {
    PlanContext context = cpu_target().context();
    context.target = this;
    return context;
  }

 private:
  FakeDevice& device_;
};

// One that does as it is told at once, and one that defers and records. Never destroyed: buffers may go while the
// process ends.
inline FakeDevice& fake_device() {
  static auto& device = *new FakeDevice(*new ClosedMemory("fake"), false);
  return device;
}
inline FakeDevice& deferred_device() {
  static auto& device = *new FakeDevice(*new ClosedMemory("deferred"), true);
  return device;
}
inline const Target& fake_target() {
  static const auto& target = *new FakeTarget("fake", fake_device(), cpu_target());
  return target;
}
inline const Target& deferred_target() {
  static const auto& target = *new FakeTarget("deferred", deferred_device(), cpu_target());
  return target;
}

}  // namespace pt::check
