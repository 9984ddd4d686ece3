// What a run knows of itself, in the device's memory: for the kernels that change it (status.cu) and for the host that
// reads it at the end. All zeros is a run that has just begun.
#pragma once
#if !defined(__CUDACC_RTC__)
#include <stdint.h>
#endif

namespace pt::cuda {

struct alignas(64) RunStatus {
  uint32_t status;    // kernels raise bits here
  uint32_t halted;    // launches that commit do nothing while this is set
  uint32_t forgiven;  // the phase is skipped, and its commit lets the run go on
  uint32_t stopped;   // nothing happens any more: the bits of the guard that tripped for good
  int32_t tripped;    // one more than the last phase whose guard tripped
  int32_t committed;  // phases that wrote
};

struct GuardParams {
  int32_t phase;
  uint32_t forgives;
};

struct CommitParams {
  uint32_t writes;
};

}  // namespace pt::cuda
