// All that the executor knows of hardware. A CPU runs a launch when it is told to; a GPU, or the recording device of
// the tests, queues it, so nothing inside a step may ask for a result.
#pragma once
#include <cstddef>
#include <cstdint>
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

class Device {
 public:
  enum class Guard { Clear, Tripped, Deferred };  // Deferred: decided on the device; later commits are predicated there
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  virtual Memory& memory() = 0;
  virtual void begin(bool parallel) = 0;  // a run starts; `parallel`: some instruction of it is
  virtual void launch(const Instruction& instruction, char* const* data, uint32_t* status) = 0;
  virtual Guard guard(const uint32_t* status) = 0;
  // What is known of a status word now, without waiting for anything.
  virtual uint32_t status_so_far(const uint32_t*) { return 0; }
  virtual bool flag(const char* address) = 0;  // a bool that launches before this wrote, when they are done
  virtual void end() = 0;                      // the run is queued; results may not be there yet
  virtual void wait() = 0;                     // until every queued run is done
};

// A run holds its device from here to the end of the block, however that is left.
class DeviceRun {
 public:
  DeviceRun(Device& device, bool parallel) : device_(device) { device_.begin(parallel); }
  ~DeviceRun() { device_.end(); }
  DeviceRun(const DeviceRun&) = delete;
  DeviceRun& operator=(const DeviceRun&) = delete;

 private:
  Device& device_;
};

}  // namespace pt
