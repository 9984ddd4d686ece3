// Devices in a shared library of their own, behind the door of abi/device.h: each becomes a memory, a device and a
// target, which live as long as the process.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "abi/device.h"
#include "ops/target.h"

namespace pt {

// A kernel of a plugin for such a device: a function that takes the addresses of inputs and outputs, the number of
// elements of the first output and the kernel's parameters.
struct DeviceKernel {
  std::string name;      // of the plugin
  std::string function;  // in the source
  std::string source;    // CUDA C++, or
  uint64_t handle = 0;   // a function that another library has loaded there
  std::vector<std::string> options;
  int32_t threads = 256;
  std::vector<double> parameters;
};

struct LoadedDevice {
  std::string name, description;
  const Target* target;
  const PtdDevice* table;
};

// Opens the library at `path`, once, and its device of that number. `engine` is our version, which the library must
// have been built for. Throws.
const LoadedDevice& load_device(const std::string& path, int ordinal, const std::string& engine);
// How many devices the library sees; with none, `why` receives the reason.
int count_devices(const std::string& path, std::string* why);
std::vector<const LoadedDevice*> loaded_devices();
// How a launch is cut that was planned for this target; nothing for a target that is no loaded device's.
std::optional<PtdGeometry> launch_geometry(const Target& target, const Launch& launch);
const LoadedDevice* loaded_device_of(const Memory& memory);  // nullptr for the host's

inline constexpr uint64_t kDefaultStream = 1;  // of a device, as abi/device.h numbers streams

// A buffer of memory that the library has given out already.
BufferRef adopt(const LoadedDevice& device, char* address, std::size_t bytes);

// Throws for a plugin's kernel that a device has no code for.
[[noreturn]] void refuse_kernel(const std::string& plugin, const std::string& target);
// Throws what a failing function of the library said, as an error of ours.
[[noreturn]] void throw_failure(const PtdFailure& failure);

// Plans that the library makes, as the engine has them; loaded_plans.cpp.
LaunchPlan loaded_plan(const PtdDevice& table, const Op& op, std::span<const Operand> in, std::span<const Operand> out,
                       const Attrs& attrs, bool printed);
LaunchPlan loaded_kernel_plan(const PtdDevice& table, const DeviceKernel& kernel, std::span<const Operand> in,
                              std::span<const Operand> out);
bool loaded_takes_epilogue(const PtdDevice& table, const Op& op, const Types& in, const TensorType& result,
                           const FusedProgram& program, const Attrs& attrs, std::string* why);
LaunchPlan loaded_epilogue_plan(const PtdDevice& table, const Op& op, std::span<const Operand> in,
                                const TensorType& result, const FusedProgram& program, const Attrs& attrs,
                                bool printed);
LaunchPlan loaded_fused_plan(const PtdDevice& table, const FusedProgram& program, bool printed);

}  // namespace pt
