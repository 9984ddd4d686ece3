#include "cuda/runtime/context.h"

namespace pt::cuda {
namespace {

constexpr int kLeastCapability = 80;

// Errors after which the driver answers every call of this process with an error.
bool ends_context(CUresult result) {
  switch (result) {
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_UNKNOWN:
      return true;
    default:
      return false;
  }
}

std::string tenths(int capability) { return text(capability / 10, ".", capability % 10); }

std::string too_old(const std::string& name, const char* card, int capability) {
  return text("[", name, "] ", card, " has compute capability ", tenths(capability), "; expected ",
              tenths(kLeastCapability), " or more (A100, RTX 30 and later); use the CPU or another card");
}

}  // namespace

Context::Context(int ordinal) : driver(cuda::driver()), name(text("cuda:", ordinal)) {
  if (ordinal < 0 || ordinal >= driver.devices) {
    throw Error(text("[", name, "] the driver has ", driver.devices, driver.devices == 1 ? " GPU" : " GPUs",
                     "; expected a number from 0 to ", driver.devices - 1,
                     "; choose another one, or look at CUDA_VISIBLE_DEVICES"));
  }
  CUdevice device = 0;
  check(driver.cuDeviceGet(&device, ordinal), "looking for it");
  const auto attribute = [&](CUdevice_attribute which) {
    int value = 0;
    check(driver.cuDeviceGetAttribute(&value, which, device), "asking what it can do");
    return value;
  };
  char card[256] = {};
  check(driver.cuDeviceGetName(card, sizeof(card) - 1, device), "asking for its name");
  capability = 10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
               attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  if (capability < kLeastCapability) throw Error(too_old(name, card, capability));
  units = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  check(driver.cuDeviceTotalMem(&total_bytes, device), "asking for its memory");
  description =
      text(card, ", compute capability ", tenths(capability), ", ", (total_bytes + 500'000'000) / 1'000'000'000, " GB");
  check(driver.cuDevicePrimaryCtxRetain(&handle, device), "opening it");
  const Current current(*this);
  check(driver.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), "making a stream");
}

int count_gpus() {
  const Driver& d = driver();
  for (int ordinal = d.devices - 1; ordinal >= 0; --ordinal) {
    CUdevice device = 0;
    char card[256] = {};
    int major = 0, minor = 0;
    const bool asked =
        d.cuDeviceGet(&device, ordinal) == CUDA_SUCCESS &&
        d.cuDeviceGetName(card, sizeof(card) - 1, device) == CUDA_SUCCESS &&
        d.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device) == CUDA_SUCCESS &&
        d.cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device) == CUDA_SUCCESS;
    const int capability = 10 * major + minor;
    if (!asked || capability >= kLeastCapability) break;  // who opens it sees why it does not answer
    if (ordinal == 0) throw Error(too_old("cuda:0", card, capability));
  }
  return d.devices;
}

void Context::fail(CUresult result, const std::string& doing) {
  const std::string what = text(describe(driver, result), " while ", doing);
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    throw OutOfMemoryError(text("[", name, "] ", what,
                                "; expected memory to be left on the GPU or the host; use a "
                                "smaller batch or model, or end other processes that use it"));
  }
  if (result == CUDA_ERROR_DEVICE_UNAVAILABLE) {
    throw Error(text("[", name, "] ", what,
                     "; expected a GPU that takes another process; wait for the one that holds "
                     "it, or change its compute mode (nvidia-smi -c 0)"));
  }
  if (!ends_context(result)) {
    throw Error(text("[", name, "] ", what,
                     "; expected the driver to succeed; please report it with the lines that "
                     "led to it"));
  }
  {
    const std::lock_guard lock(busy_);
    if (first_failure_.empty()) first_failure_ = what;
  }
  lost_.store(true, std::memory_order_release);
  fail_lost();
}

void Context::fail_lost() {
  const std::lock_guard lock(busy_);
  throw DeviceLost(text("[", name, "] was lost by ", first_failure_,
                        "; expected every kernel to end without an error; start the process again, from the last "
                        "checkpoint; with CUDA_LAUNCH_BLOCKING=1 the error names the launch"));
}

void Context::check_usable() {
  if (process_ != forks()) {
    throw Error(text("[", name,
                     "] was opened before this process was forked; expected the process that opened it, for "
                     "CUDA does not survive a fork; start workers with the spawn method, or use CUDA in the workers "
                     "alone"));
  }
  if (lost_.load(std::memory_order_acquire)) fail_lost();
}

Current::Current(Context& context) : context_(context) {
  CUcontext now = nullptr;
  context.check(context.driver.cuCtxGetCurrent(&now), "asking for the thread's context");
  if (now == context.handle) return;
  context.check(context.driver.cuCtxPushCurrent(context.handle), "taking its context");
  pushed_ = true;
}

Current::~Current() {
  CUcontext popped = nullptr;
  if (pushed_) context_.driver.cuCtxPopCurrent(&popped);
}

}  // namespace pt::cuda
