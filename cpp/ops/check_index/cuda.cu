// Looks at every index; there is no output.
#include "cuda/walk.h"
#include "ops/check_index/cuda_desc.h"
#include "ops/gather/index.h"

PT_CUDA_KERNEL(check_index, 1, pt::cuda::CheckIndex, 256) {
  using namespace pt::cuda;
  using namespace pt::PT_ISA;
  bool bad = false;
  for (int64_t i = global_thread(); i < params.axes.elements; i += global_threads()) {
    const char* at = operands.at[0] + offsets_of(params.axes, i).a;
    bad |= wrap_index(read_index(at, params.wide_index), params.axis_size) < 0;
  }
  if (__syncthreads_or(bad) && threadIdx.x == 0) raise(operands.status, pt::kStatusBadIndex);
}
