// The largest of what is put to one place; among equals the first.
#include "ops/put_along_axis_max/larger.h"
#include "ops/scatter_add/cuda_put.h"

namespace pt::cuda {

template <class S>
struct MaxOf {
  using memory = typename S::memory;
  static PT_FN memory load(memory value) { return value; }
  static PT_FN memory join(memory best, memory value) { return PT_ISA::larger<S>(value, best) ? value : best; }
  static PT_FN memory round(memory value) { return value; }
};

}  // namespace pt::cuda

PT_CUDA_KERNEL(put_lines_max, 3, pt::cuda::PutLines, 256) {
  using namespace pt::cuda;
  pt::PT_ISA::with_storage(params.storage, [&](auto s) { put_lines<MaxOf<decltype(s)>>(operands, params); });
}

PT_CUDA_KERNEL(put_sorted_max, 3, pt::cuda::PutSorted, 256) {
  using namespace pt::cuda;
  pt::PT_ISA::with_storage(params.storage, [&](auto s) { put_sorted<MaxOf<decltype(s)>>(operands, params); });
}
