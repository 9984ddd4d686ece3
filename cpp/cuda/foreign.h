// Kernels that are not the library's: a plugin's. Each operand and each 8 bytes of the parameters are arguments of
// their own; such a kernel knows nothing of status and guards.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pt::cuda {

constexpr int kMostForeignArguments = 64;  // beside the operands

// A source to compile, or what another library has loaded.
struct ForeignKernel {
  std::string function, source;
  std::vector<std::string> options;  // of the compiler
  uint64_t handle = 0;               // a CUfunction, in place of a source
};

// A number as kernel_number gives it (launch.h).
int32_t foreign_kernel_number(const std::string& name, ForeignKernel kernel);
const ForeignKernel* foreign_kernel(int32_t number);  // nullptr: of another kernel

}  // namespace pt::cuda
