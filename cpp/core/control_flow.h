// Instructions that launch no kernel of their own but run programs: loops and branches (program/loops.h). The executor
// carries them out, and hands the launches of their programs to the device one after the other.
#pragma once
#include <string_view>

#include "core/device.h"

namespace pt {

class ControlFlow {
 public:
  virtual ~ControlFlow() = default;
  virtual std::string_view kind() const = 0;  // for people: "loop", "branch"
  virtual bool any_parallel() const = 0;      // whether an instruction of its programs is worth sharing
  // With the operands that the instruction has.
  virtual void run(Device& device, char* const* data, uint32_t* status) const = 0;
};

// Whether an instruction, or one of the programs that it runs, is worth sharing.
inline bool any_parallel(const Instruction& instruction) {
  return instruction.parallel || (instruction.control && instruction.control->any_parallel());
}

// The one way to carry out an instruction, eagerly, in a step and inside of a loop.
inline void carry_out(Device& device, const Instruction& instruction, char* const* data, uint32_t* status) {
  if (instruction.control) {
    instruction.control->run(device, data, status);
  } else {
    device.launch(instruction, data, status);
  }
}

}  // namespace pt
