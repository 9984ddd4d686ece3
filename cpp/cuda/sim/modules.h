// What the running program and its libraries know of themselves: their static memory, shared variables, and lines.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/sim/shadow.h"

namespace pt::cuda::sim {

// The __shared__ variables of all kernels of the file that holds this code, which are variables of this thread of the
// host. By their symbols; where a file has none, the whole block of such variables is one region.
std::vector<Region> shared_variables(const void* code);

// Whether an address lies in a program's or library's own memory, where constants are.
bool in_static_memory(const void* address);

// "softmax/cuda.cu:31" of a call, by its return address; or nothing, where no tool can tell.
std::string line_of(const void* return_address);
std::string at_line(const void* return_address);  // " (softmax/cuda.cu:31)", for messages

}  // namespace pt::cuda::sim
