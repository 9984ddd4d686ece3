// Entry points of earlier versions of CUDA, which the header does not declare under their own names any more.
#pragma once
#include "cuda/sim/driver/cuda_api.h"

#define PT_SIM_OLDER(name) __asm__(name) __attribute__((visibility("default")))

extern "C" {
CUresult capture_info_2(CUstream handle, CUstreamCaptureStatus* status, cuuint64_t* id, CUgraph* graph,
                        const CUgraphNode** nodes, size_t* count) PT_SIM_OLDER("cuStreamGetCaptureInfo_v2");
CUresult elapsed_time_1(float* milliseconds, CUevent from, CUevent to) PT_SIM_OLDER("cuEventElapsedTime");
}
