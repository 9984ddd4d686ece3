#include "cuda/kernel.h"
#include "cuda/tests/runtime_ops.h"

namespace pt::cuda {

// Adds a number to each element, in place.
PT_CUDA_KERNEL(test_add, 1, TestAdd, 256) {
  int32_t* data = reinterpret_cast<int32_t*>(operands.at[0]);
  for (int64_t i = global_thread(); i < params.elements; i += global_threads()) data[i] += params.number;
}

// Raises bits if the first element is not zero.
PT_CUDA_KERNEL(test_raise, 1, TestRaise, 32) {
  if (global_thread() == 0 && *reinterpret_cast<const int32_t*>(operands.at[0])) raise(operands.status, params.bits);
}

}  // namespace pt::cuda
