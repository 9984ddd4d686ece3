#include "parallel/launcher.h"

#include <algorithm>
#include <deque>

#include "core/error.h"
#include "parallel/float_mode.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"

namespace pt {
namespace {

// What one core does in a microsecond, on the slow side, so that work is shared rather later than sooner.
constexpr double kFlopsPerMicro = 40e3;
constexpr double kFlopsPerMicroOfAvx512 = 100e3;
constexpr double kBytesPerMicro = 20e3;
constexpr double kShareFromMicros = 10;

class CpuDevice final : public Device {
 public:
  std::string_view name() const override { return "cpu"; }
  Memory& memory() override { return host_memory(); }
  void begin(bool parallel) override {
    runs().emplace_back(parallel);
    if (parallel) Pool::instance().enter();
  }
  void launch(const Instruction& instruction, char* const* data, uint32_t* status) override {
    const KernelArgs args{data, instruction.desc, nullptr, status};
    Pool::instance().run(instruction.kernel, args, instruction.chunks, instruction.scratch_bytes, instruction.parallel);
  }
  Guard guard(const uint32_t* status) override {
    return __atomic_load_n(status, __ATOMIC_RELAXED) == 0 ? Guard::Clear : Guard::Tripped;
  }
  uint32_t status_so_far(const uint32_t* status) override { return __atomic_load_n(status, __ATOMIC_RELAXED); }
  bool flag(const char* address) override { return *address != 0; }
  void end() override {
    if (runs().back().parallel) Pool::instance().leave();
    runs().pop_back();
  }
  void wait() override {}  // every launch is done when it returns

 private:
  struct Run {
    explicit Run(bool is_parallel) : parallel(is_parallel) {}
    bool parallel;
    DefaultFloatMode mode;
  };
  static std::deque<Run>& runs() {
    thread_local std::deque<Run> of_thread;
    return of_thread;
  }
};

// Estimated time of a launch on one thread.
double estimate_micros(const Launch& launch, const PlanContext& context) {
  const double flops = context.isa == "avx512" ? kFlopsPerMicroOfAvx512 : kFlopsPerMicro;
  return std::max(launch.flops / flops, launch.bytes / kBytesPerMicro);
}

// Sharing costs a wake-up and a few cache lines: not for work shorter than that.
bool worth_sharing(const Launch& launch, const PlanContext& context) {
  return launch.chunks > 1 && estimate_micros(launch, context) >= kShareFromMicros;
}

}  // namespace

Device& cpu_device() {
  static CpuDevice device;
  return device;
}

Instruction make_instruction(const Launch& launch, const PlanContext& context) {
  if (launch.scratch_bytes > INT32_MAX) {
    throw Error(text("[", launch.kernel, "] asks for ", launch.scratch_bytes,
                     " bytes of scratch; expected under 2 GiB; use smaller sizes"));
  }
  Instruction instruction{};
  instruction.control = launch.control.get();
  if (!launch.control) instruction.kernel = kernels_of(launch.kernel, context.isa)[launch.variant];
  instruction.desc = launch.desc.data();
  instruction.chunks = launch.chunks;
  instruction.parallel = worth_sharing(launch, context);
  instruction.scratch_bytes = static_cast<int32_t>(launch.scratch_bytes);
  instruction.micros = static_cast<float>(estimate_micros(launch, context));
  return instruction;
}

}  // namespace pt
