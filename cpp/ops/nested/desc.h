#pragma once
#include <stdint.h>

namespace pt {

// The head of a description of a launch that runs programs of its own: a branch, or every step of a loop. The function
// is the baseline's; kernels only hand the call on.
struct NestedDesc {
  void (*run)(const NestedDesc* desc, char* const* data, uint32_t* status);
};

}  // namespace pt
