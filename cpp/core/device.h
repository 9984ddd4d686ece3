// All that the executor knows of hardware. A CPU runs a launch when it is told to; a GPU queues it, so nothing inside a
// step may ask for a result, and how it went is known when it is finished.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "core/buffer.h"
#include "core/kernel.h"

namespace pt {

class ControlFlow;  // core/control_flow.h

// One instruction of a program: a launch as a device takes it, or control flow, which the executor carries out. 64
// bytes.
struct alignas(64) Instruction {
  KernelFn kernel;
  const void* desc;
  int64_t chunks;
  int32_t operand_begin;  // into the program's operand table
  int16_t operand_count;
  bool parallel;  // worth sharing among threads
  bool commits;   // writes a slot
  int32_t scratch_bytes;
  int32_t phase;
  float micros;                // estimate on one thread
  int32_t launch;              // index into the program's list of launches: names, costs
  const ControlFlow* control;  // in place of a kernel
};
static_assert(sizeof(Instruction) == 64);

// What is known of a run when it is done.
struct RunReport {
  int tripped_phase = -1;    // the last phase whose guard tripped
  int committed_phases = 0;  // of those that write
  uint32_t status = 0;       // bits that are not forgiven
};

// What a phase's guard says of its commits. Where the device itself decides, it is Passed: the commits are launched,
// and do nothing if the guard has tripped.
enum class Guard { Passed, Forgiven, Tripped };

// One run, by the thread that began it, in order: the launches of a phase, its guard, its commits, the next phase. It
// is the device's and ends with `end`; DeviceRun sees to that.
class Run {
 public:
  virtual void launch(const Instruction& instruction, char* const* data) = 0;
  // `forgives`: numbers that are not finite leave this phase out, and the run goes on.
  virtual Guard guard(int phase, bool forgives) = 0;
  virtual void commit(bool writes) = 0;        // the commits of a phase are launched; `writes`: there are some
  virtual bool flag(const char* address) = 0;  // a bool that launches before this wrote, when they are done
  virtual void raise(uint32_t bits) = 0;       // of the status, by the executor itself
  virtual uint32_t status_so_far() const = 0;  // what is known now, without waiting for anything
  virtual RunReport finish() = 0;              // waits until all is done
  virtual void end() = 0;                      // waits for nothing; without `finish` before, nobody asks how it went

 protected:
  ~Run() = default;
};

// A run that is kept: all its launches, guards and commits, at the addresses that it was recorded with. One thread at a
// time plays it.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual RunReport play() = 0;  // waits until all is done
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  virtual Memory& memory() = 0;
  virtual Run& begin(bool parallel) = 0;  // `parallel`: some instruction of the run is
  // What `body` asks for is noted, not done; it may not ask for a flag. Only where `records`.
  virtual bool records() const { return false; }
  virtual std::unique_ptr<Recording> record(const std::function<void(Run&)>& body);
  virtual void wait() = 0;  // until every queued run is done
};

// A run, which ends with the block, however that is left.
class DeviceRun {
 public:
  DeviceRun(Device& device, bool parallel) : run_(device.begin(parallel)) {}
  ~DeviceRun() { run_.end(); }
  DeviceRun(const DeviceRun&) = delete;
  DeviceRun& operator=(const DeviceRun&) = delete;
  Run& operator*() const { return run_; }
  Run* operator->() const { return &run_; }

 private:
  Run& run_;
};

}  // namespace pt
