// Guards and commits, decided on the device so that the host need not wait. One thread each: launches before them are
// done, and launches after them wait.
#include "cuda/kernel.h"
#include "cuda/runtime/status.h"

using namespace pt::cuda;

PT_CUDA_KERNEL(run_guard, 1, GuardParams, 32) {
  if (global_thread() != 0) return;
  RunStatus* run = reinterpret_cast<RunStatus*>(operands.at[0]);
  if (run->stopped || !run->status) return;
  run->tripped = params.phase + 1;
  run->halted = 1;
  if (params.forgives && run->status == pt::kStatusNonFinite) {
    run->forgiven = 1;
  } else {
    run->stopped = run->status;  // launches that follow compute from what was not written, and may raise more
  }
}

PT_CUDA_KERNEL(run_commit, 1, CommitParams, 32) {
  if (global_thread() != 0) return;
  RunStatus* run = reinterpret_cast<RunStatus*>(operands.at[0]);
  if (run->stopped) return;
  if (run->forgiven) {
    run->forgiven = 0;
    run->halted = 0;
    run->status = 0;
  } else {
    run->committed += params.writes != 0;
  }
}
