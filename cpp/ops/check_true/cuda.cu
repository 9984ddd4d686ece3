// Looks at every element; there is no output.
#include "cuda/walk.h"
#include "ops/check_true/cuda_desc.h"
#include "ops/check_true/status.h"

PT_CUDA_KERNEL(check_true, 1, pt::cuda::CheckTrue, 256) {
  using namespace pt::cuda;
  bool bad = false;
  for (int64_t i = global_thread(); i < params.axes.elements; i += global_threads())
    bad |= operands.at[0][offsets_of(params.axes, i).a] == 0;
  if (__syncthreads_or(bad) && threadIdx.x == 0) raise(operands.status, pt::kStatusRefused);
}
