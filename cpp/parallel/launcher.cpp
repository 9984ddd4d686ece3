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

// Every launch is done when it returns, and so is every guard.
class CpuRun final : public Run {
 public:
  explicit CpuRun(bool parallel) : parallel_(parallel) {
    if (parallel) Pool::instance().enter();
  }
  ~CpuRun() {
    if (parallel_) Pool::instance().leave();
  }
  CpuRun(const CpuRun&) = delete;
  CpuRun& operator=(const CpuRun&) = delete;

  void launch(const Instruction& instruction, char* const* data) override {
    const KernelArgs args{data, instruction.desc, nullptr, &report_.status};
    Pool::instance().run(instruction.kernel, args, instruction.chunks, instruction.scratch_bytes, instruction.parallel);
  }
  Guard guard(int phase, bool forgives) override {
    const uint32_t status = status_so_far();
    if (status == 0) return Guard::Passed;
    report_.tripped_phase = phase;
    if (!forgives || status != kStatusNonFinite) return Guard::Tripped;
    report_.status = 0;
    return Guard::Forgiven;
  }
  void commit(bool writes) override { report_.committed_phases += writes; }
  bool flag(const char* address) override { return *address != 0; }
  void raise(uint32_t bits) override { raise_status(&report_.status, bits); }
  uint32_t status_so_far() const override { return __atomic_load_n(&report_.status, __ATOMIC_RELAXED); }
  RunReport finish() override { return report_; }
  void end() override { of_thread().pop_back(); }

  // One within another, where a gradient rule or a plugin computes in the middle of a run.
  static std::deque<CpuRun>& of_thread() {
    thread_local std::deque<CpuRun> runs;
    return runs;
  }

 private:
  RunReport report_;
  bool parallel_;
  DefaultFloatMode mode_;
};

class CpuDevice final : public Device {
 public:
  std::string_view name() const override { return "cpu"; }
  Memory& memory() override { return host_memory(); }
  Run& begin(bool parallel) override { return CpuRun::of_thread().emplace_back(parallel); }
  void wait() override {}
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
