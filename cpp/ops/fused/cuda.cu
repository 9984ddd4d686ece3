// Any fused program, without a compiler: the interpreter. Its registers are in shared memory.
#include "cuda/kernel.h"
#include "ops/fused/cuda_rows.h"

namespace pt {
namespace PT_ISA {

PT_FN void run_elements(Machine<cuda::FusedCuda> machine) {
  const cuda::FusedCuda& program = machine.program;
  const uint16_t* sections = machine.tail<uint16_t>(program.sections_at);
  if (machine.thread == 0) machine.execute_row(0, sections[0], 0);
  __syncthreads();
  machine.count = program.elements;
  machine.step = machine.threads;
  machine.end = program.rows * program.cols;
  const int64_t tile = int64_t(machine.threads) * program.elements;
  for (int64_t begin = blockIdx.x * tile; begin < machine.end; begin += gridDim.x * tile) {
    machine.first = begin + machine.thread;
    machine.execute(sections[0], sections[1], 0);
  }
}

}  // namespace PT_ISA
}  // namespace pt

PT_CUDA_KERNEL(fused_interpreter, pt::cuda::kFusedOperands, pt::cuda::FusedCuda, pt::cuda::kFusedThreads) {
  using namespace pt::PT_ISA;
  PT_DYNAMIC_SHARED(char, memory);
  const int thread = int(threadIdx.x), threads = int(blockDim.x);
  if (params.run == pt::cuda::FusedRun::Elements) {
    run_elements({params, operands.at, memory, thread, threads, 0, 1});
    return;
  }
  const int warp = thread / pt::cuda::kWarp, lane = thread % pt::cuda::kWarp, warps = params.warps;
  const Machine<pt::cuda::FusedCuda> machine{
      params, operands.at, memory, thread, threads, warp / warps, threads / pt::cuda::kWarp / warps};
  RowRunner{machine, lane, warp % warps}.run();
}
