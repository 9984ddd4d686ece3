#include "bindings/programs.h"

#include "core/control_flow.h"
#include "ops/loaded_device.h"

namespace pt::bindings {
namespace {

const char* name_of(Home home) {
  switch (home) {
    case Home::Arena:
      return "arena";
    case Home::Constant:
      return "constant";
    case Home::Slot:
      return "slot";
    case Home::Input:
      return "input";
    case Home::Result:
      return "result";
  }
  return "";
}

py::dict as_dict(const Program& program, const Instruction& instruction) {
  const PlannedLaunch& launch = program.layout().launches[instruction.launch];
  py::dict one;
  one["name"] = launch.name;
  one["kernel"] = instruction.control ? std::string(instruction.control->kind()) : launch.launch.kernel;
  one["note"] = program.note(instruction.launch);
  one["chunks"] = launch.launch.chunks;
  one["flops"] = launch.launch.flops;
  one["bytes"] = launch.launch.bytes;
  one["phase"] = launch.phase;
  one["commits"] = launch.commits;
  one["copies"] = launch.node < 0;
  one["parallel"] = instruction.parallel;
  py::list operands;
  for (const PlacedOperand& operand : launch.operands) operands.append(operand.storage);
  one["operands"] = operands;
  if (const auto geometry = launch_geometry(*program.context().target, launch.launch)) {
    one["grid"] = std::to_array(geometry->grid);
    one["block"] = std::to_array(geometry->block);
    one["shared_bytes"] = geometry->shared_bytes;
  }
  return one;
}

// What operands name by its number, and where it is. `inside` is the number of what it is a part of, or -1.
py::list memory_of(const Program& program) {
  py::list all;
  for (const Storage& storage : program.layout().storages) {
    py::dict one;
    one["home"] = name_of(storage.home);
    one["name"] = storage.home == Home::Slot ? program.graph().slots[storage.index]->name : std::string();
    one["bytes"] = storage.bytes;
    one["offset"] = storage.arena_offset;
    one["inside"] = storage.parent;
    all.append(one);
  }
  return all;
}

}  // namespace

py::dict as_dict(const Program& program) {
  py::dict made;
  py::list instructions;
  for (const Instruction& instruction : program.instructions()) instructions.append(as_dict(program, instruction));
  made["instructions"] = instructions;
  made["memory"] = memory_of(program);
  made["arena_bytes"] = program.layout().arena_bytes;
  made["flops"] = program.total_flops();
  return made;
}

}  // namespace pt::bindings
