// A device whose memory the host cannot read: pages are closed but while a launch or a copy of the device runs, so that
// any other access faults. Operands of a step's launches have to lie in it. It plans what the CPU plans, and runs the
// same kernels.
#pragma once
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <vector>

#include "core/error.h"
#include "ops/cpu_target.h"

namespace pt::check {

class ClosedMemory final : public Memory {
 public:
  ClosedMemory() {
    void* made = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) throw Error("[fake device] got no address space; expected some; free memory");
    begin_ = static_cast<char*>(made);
  }
  std::string_view name() const override { return "fake"; }
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
  char* begin_;
  std::size_t used_ = 0;
  int open_ = 0;
  std::map<std::size_t, std::vector<char*>> freed_;
};

class FakeDevice final : public Device {
 public:
  explicit FakeDevice(ClosedMemory& memory) : memory_(memory) {}
  std::string_view name() const override { return "fake"; }
  Memory& memory() override { return memory_; }
  void begin(bool parallel) override { cpu_.begin(parallel); }
  void launch(const Instruction& instruction, char* const* data, uint32_t* status) override {
    ++launches;
    for (int i = 0; i < instruction.operand_count; ++i) {  // of a step; eager calls do not count them
      if (data[i] && !memory_.holds(data[i])) {
        throw Error(text("[fake device] operand ", i, " of a launch lies in other memory; expected the device's own; ",
                         "copy it there before the run"));
      }
    }
    const ClosedMemory::Open open(memory_);
    cpu_.launch(instruction, data, status);
  }
  Guard guard(const uint32_t* status) override { return cpu_.guard(status); }
  uint32_t status_so_far(const uint32_t* status) override { return cpu_.status_so_far(status); }
  bool flag(const char* address) override {
    const ClosedMemory::Open open(memory_);
    return cpu_.flag(address);
  }
  void end() override { cpu_.end(); }
  void wait() override { cpu_.wait(); }

  int launches = 0;

 private:
  ClosedMemory& memory_;
  Device& cpu_ = cpu_target().device();
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

inline ClosedMemory& fake_memory() {
  static auto& memory = *new ClosedMemory;  // buffers may go while the process ends
  return memory;
}
inline FakeDevice& fake_device() {
  static auto& device = *new FakeDevice(fake_memory());
  return device;
}
inline const Target& fake_target() {
  static const auto& target = *new FakeTarget("fake", fake_device(), cpu_target());
  return target;
}

}  // namespace pt::check
