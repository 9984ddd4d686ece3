// cuGetProcAddress: every entry point that there is, by the name without a version.
#include <cstring>

#include "cuda/sim/driver/older.h"
#include "cuda/sim/driver/state.h"

namespace {

struct Entry {
  const char* name;
  void* function;
  int since = 0;  // the version of CUDA with which it took the place of the one before it
};

#define PT_SIM_ENTRY(name) \
  { #name, reinterpret_cast < void*>(name) }
const Entry kEntries[] = {
    PT_SIM_ENTRY(cuCtxEnablePeerAccess),
    PT_SIM_ENTRY(cuCtxGetCurrent),
    PT_SIM_ENTRY(cuCtxGetDevice),
    PT_SIM_ENTRY(cuCtxGetStreamPriorityRange),
    PT_SIM_ENTRY(cuCtxPopCurrent),
    PT_SIM_ENTRY(cuCtxPushCurrent),
    PT_SIM_ENTRY(cuCtxSetCurrent),
    PT_SIM_ENTRY(cuCtxSynchronize),
    PT_SIM_ENTRY(cuDeviceCanAccessPeer),
    PT_SIM_ENTRY(cuDeviceGet),
    PT_SIM_ENTRY(cuDeviceGetAttribute),
    PT_SIM_ENTRY(cuDeviceGetCount),
    PT_SIM_ENTRY(cuDeviceGetName),
    PT_SIM_ENTRY(cuDeviceGetUuid),
    PT_SIM_ENTRY(cuDevicePrimaryCtxGetState),
    PT_SIM_ENTRY(cuDevicePrimaryCtxRelease),
    PT_SIM_ENTRY(cuDevicePrimaryCtxRetain),
    PT_SIM_ENTRY(cuDeviceTotalMem),
    PT_SIM_ENTRY(cuDriverGetVersion),
    PT_SIM_ENTRY(cuEventCreate),
    PT_SIM_ENTRY(cuEventDestroy),
    PT_SIM_ENTRY(cuEventElapsedTime),
    PT_SIM_ENTRY(cuEventQuery),
    PT_SIM_ENTRY(cuEventRecord),
    PT_SIM_ENTRY(cuEventSynchronize),
    PT_SIM_ENTRY(cuFuncGetAttribute),
    PT_SIM_ENTRY(cuFuncGetParamInfo),
    PT_SIM_ENTRY(cuFuncSetAttribute),
    PT_SIM_ENTRY(cuGetErrorName),
    PT_SIM_ENTRY(cuGetErrorString),
    PT_SIM_ENTRY(cuGraphDestroy),
    PT_SIM_ENTRY(cuGraphExecDestroy),
    PT_SIM_ENTRY(cuGraphExecUpdate),
    PT_SIM_ENTRY(cuGraphGetNodes),
    PT_SIM_ENTRY(cuGraphInstantiateWithFlags),
    PT_SIM_ENTRY(cuGraphLaunch),
    PT_SIM_ENTRY(cuGraphUpload),
    PT_SIM_ENTRY(cuInit),
    PT_SIM_ENTRY(cuLaunchHostFunc),
    PT_SIM_ENTRY(cuLaunchKernel),
    PT_SIM_ENTRY(cuMemAlloc),
    PT_SIM_ENTRY(cuMemAllocAsync),
    PT_SIM_ENTRY(cuMemFree),
    PT_SIM_ENTRY(cuMemFreeAsync),
    PT_SIM_ENTRY(cuMemFreeHost),
    PT_SIM_ENTRY(cuMemGetAddressRange),
    PT_SIM_ENTRY(cuMemGetInfo),
    PT_SIM_ENTRY(cuMemHostAlloc),
    PT_SIM_ENTRY(cuMemHostGetDevicePointer),
    PT_SIM_ENTRY(cuMemHostRegister),
    PT_SIM_ENTRY(cuMemHostUnregister),
    PT_SIM_ENTRY(cuMemcpy),
    PT_SIM_ENTRY(cuMemcpyAsync),
    PT_SIM_ENTRY(cuMemcpyDtoD),
    PT_SIM_ENTRY(cuMemcpyDtoDAsync),
    PT_SIM_ENTRY(cuMemcpyDtoH),
    PT_SIM_ENTRY(cuMemcpyDtoHAsync),
    PT_SIM_ENTRY(cuMemcpyHtoD),
    PT_SIM_ENTRY(cuMemcpyHtoDAsync),
    PT_SIM_ENTRY(cuMemcpyPeerAsync),
    PT_SIM_ENTRY(cuMemsetD16Async),
    PT_SIM_ENTRY(cuMemsetD32),
    PT_SIM_ENTRY(cuMemsetD32Async),
    PT_SIM_ENTRY(cuMemsetD8),
    PT_SIM_ENTRY(cuMemsetD8Async),
    PT_SIM_ENTRY(cuModuleGetFunction),
    PT_SIM_ENTRY(cuModuleGetLoadingMode),
    PT_SIM_ENTRY(cuModuleLoadData),
    PT_SIM_ENTRY(cuModuleLoadDataEx),
    PT_SIM_ENTRY(cuModuleUnload),
    PT_SIM_ENTRY(cuPointerGetAttribute),
    PT_SIM_ENTRY(cuPointerGetAttributes),
    PT_SIM_ENTRY(cuStreamBeginCapture),
    PT_SIM_ENTRY(cuStreamCreate),
    PT_SIM_ENTRY(cuStreamCreateWithPriority),
    PT_SIM_ENTRY(cuStreamDestroy),
    PT_SIM_ENTRY(cuStreamEndCapture),
    {"cuStreamGetCaptureInfo", reinterpret_cast<void*>(capture_info_2)},
    {"cuStreamGetCaptureInfo", reinterpret_cast<void*>(cuStreamGetCaptureInfo), 12030},
    PT_SIM_ENTRY(cuStreamGetCtx),
    PT_SIM_ENTRY(cuStreamGetFlags),
    PT_SIM_ENTRY(cuStreamGetPriority),
    PT_SIM_ENTRY(cuStreamIsCapturing),
    PT_SIM_ENTRY(cuStreamQuery),
    PT_SIM_ENTRY(cuStreamSynchronize),
    PT_SIM_ENTRY(cuStreamWaitEvent),
    PT_SIM_ENTRY(cuThreadExchangeStreamCaptureMode),
};

}  // namespace

CUresult CUDAAPI cuGetProcAddress(const char* symbol, void** function, int version, cuuint64_t,
                                  CUdriverProcAddressQueryResult* status) {
  if (!symbol || !function) return CUDA_ERROR_INVALID_VALUE;
  *function = nullptr;
  int own = 0;
  if (const CUresult error = cuDriverGetVersion(&own); error != CUDA_SUCCESS) return error;
  for (const Entry& entry : kEntries)
    if (std::strcmp(entry.name, symbol) == 0 && version >= entry.since) *function = entry.function;
  const bool too_new = *function && version > own;
  if (too_new) *function = nullptr;
  if (status)
    *status = too_new     ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
              : *function ? CU_GET_PROC_ADDRESS_SUCCESS
                          : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
