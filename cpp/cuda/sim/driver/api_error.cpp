// Entry points: names and texts of errors, those that a program can meet here or has to know.
#include "cuda/sim/driver/state.h"

namespace {

struct Error {
  CUresult code;
  const char* name;
  const char* text;
};

#define PT_SIM_ERROR(code, text) \
  { code, #code, text }
constexpr Error kErrors[] = {
    PT_SIM_ERROR(CUDA_SUCCESS, "no error"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    PT_SIM_ERROR(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    PT_SIM_ERROR(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
    PT_SIM_ERROR(CUDA_ERROR_DEINITIALIZED, "driver shutting down"),
    PT_SIM_ERROR(CUDA_ERROR_DEVICE_UNAVAILABLE, "CUDA-capable device(s) is/are busy or unavailable"),
    PT_SIM_ERROR(CUDA_ERROR_NO_DEVICE, "no CUDA-capable device is detected"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
    PT_SIM_ERROR(CUDA_ERROR_NO_BINARY_FOR_GPU, "no kernel image is available for execution on the device"),
    PT_SIM_ERROR(CUDA_ERROR_ECC_UNCORRECTABLE, "uncorrectable ECC error encountered"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_PTX, "a PTX JIT compilation failed"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_SOURCE, "device kernel image is invalid"),
    PT_SIM_ERROR(CUDA_ERROR_FILE_NOT_FOUND, "file not found"),
    PT_SIM_ERROR(CUDA_ERROR_ILLEGAL_STATE, "the operation cannot be performed in the present state"),
    PT_SIM_ERROR(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    PT_SIM_ERROR(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
    PT_SIM_ERROR(CUDA_ERROR_NOT_READY, "device not ready"),
    PT_SIM_ERROR(CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
    PT_SIM_ERROR(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
    PT_SIM_ERROR(CUDA_ERROR_LAUNCH_TIMEOUT, "the launch timed out and was terminated"),
    PT_SIM_ERROR(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, "peer access is already enabled"),
    PT_SIM_ERROR(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, "peer access has not been enabled"),
    PT_SIM_ERROR(CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE, "cannot set while device is active in this process"),
    PT_SIM_ERROR(CUDA_ERROR_CONTEXT_IS_DESTROYED, "context is destroyed"),
    PT_SIM_ERROR(CUDA_ERROR_ASSERT, "device-side assert triggered"),
    PT_SIM_ERROR(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
                 "part or all of the requested memory range is already mapped"),
    PT_SIM_ERROR(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, "pointer does not correspond to a registered memory region"),
    PT_SIM_ERROR(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    PT_SIM_ERROR(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    PT_SIM_ERROR(CUDA_ERROR_NOT_PERMITTED, "operation not permitted"),
    PT_SIM_ERROR(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
    PT_SIM_ERROR(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, "system has unsupported display driver / cuda driver combination"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_MERGE, "operation would result in a merge of separate capture sequences"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "capture was not ended in the same stream as it began"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "capturing stream has unjoined work"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "dependency created on uncaptured work in another stream"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                 "operation would make the legacy stream depend on a capturing blocking stream"),
    PT_SIM_ERROR(CUDA_ERROR_CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream"),
    PT_SIM_ERROR(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,
                 "attempt to terminate a thread-local capture sequence from another thread"),
    PT_SIM_ERROR(CUDA_ERROR_TIMEOUT, "wait operation timed out"),
    PT_SIM_ERROR(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE,
                 "the graph update was not performed because it included changes which violated constraints specific "
                 "to instantiated graph update"),
    PT_SIM_ERROR(CUDA_ERROR_UNKNOWN, "unknown error"),
};

const Error* find(CUresult code) {
  for (const Error& error : kErrors)
    if (error.code == code) return &error;
  return nullptr;
}

CUresult tell(CUresult code, const char** text, const char* Error::*field) {
  if (!text) return CUDA_ERROR_INVALID_VALUE;
  const Error* error = find(code);
  *text = error ? error->*field : nullptr;
  return error ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

CUresult CUDAAPI cuGetErrorName(CUresult code, const char** text) { return tell(code, text, &Error::name); }
CUresult CUDAAPI cuGetErrorString(CUresult code, const char** text) { return tell(code, text, &Error::text); }
