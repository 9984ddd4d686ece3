// What a plan may depend on beside operands and attributes. Planners read it from here alone, so that whoever keeps
// plans knows what to keep them by.
#pragma once
#include <compare>
#include <cstdint>
#include <string_view>

namespace pt {

class Target;  // ops/target.h

struct PlanContext {
  const Target* target = nullptr;  // what is planned for; lives as long as the process
  int64_t threads = 1;             // that share a launch
  std::string_view isa;            // whose kernels run; a name of the kernel table, which lives as long as the process
  bool multiplies_pairs = false;   // of bf16, by its own instruction
  bool multiplies_tiles = false;   // of bf16, by tile registers
  bool printed = false;            // fused programs may be kernels of their own, compiled first: they run often
  auto operator<=>(const PlanContext&) const = default;
};

}  // namespace pt
