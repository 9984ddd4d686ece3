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
  virtual bool reads_flags() const = 0;       // whether what it runs depends on what it has computed
  // With the operands that the instruction has.
  virtual void run(Run& run, char* const* data) const = 0;
};

// Whether an instruction, or one of the programs that it runs, is worth sharing.
inline bool any_parallel(const Instruction& instruction) {
  return instruction.parallel || (instruction.control && instruction.control->any_parallel());
}

inline bool reads_flags(const Instruction& instruction) {
  return instruction.control && instruction.control->reads_flags();
}

// The one way to carry out an instruction, eagerly, in a step and inside of a loop.
inline void carry_out(Run& run, const Instruction& instruction, char* const* data) {
  if (instruction.control) {
    instruction.control->run(run, data);
  } else {
    run.launch(instruction, data);
  }
}

}  // namespace pt
