#include "cuda/runtime/driver.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

namespace pt::cuda {
namespace {

constexpr int kOldest = 12000;  // the version whose functions are called

std::atomic<uint32_t> forks_seen{0};
[[maybe_unused]] const int watching_forks = pthread_atfork(nullptr, nullptr, [] { ++forks_seen; });

void* open_library(bool& simulated) {
  const char* named = std::getenv("POWERTRAIN_CUDA_DRIVER");
  if (!named || !*named) {
    if (void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) return library;
    throw Error(text("[cuda] libcuda.so.1 could not be opened (", dlerror(),
                     "); expected NVIDIA's driver of version 525 or later; install it, or use the CPU"));
  }
  simulated = std::string(named) == "sim";
  const std::string path = simulated ? beside_this_library(kSimulatedDriver) : named;
  // The simulator runs kernels of libraries that it makes, which look for its functions.
  if (void* library = dlopen(path.c_str(), RTLD_NOW | (simulated ? RTLD_GLOBAL : RTLD_LOCAL))) return library;
  throw Error(text("[cuda] POWERTRAIN_CUDA_DRIVER = ", named, ", but ", path, " could not be opened (", dlerror(),
                   "); expected the path of a CUDA driver, or sim with the simulator beside powertrain-cuda's library; "
                   "unset it for the driver of the system"));
}

void check_version(int version) {
  if (version >= kOldest) return;
  throw Error(text("[cuda] the driver is for CUDA ", version_text(version), "; expected ", version_text(kOldest),
                   " or later; install NVIDIA's driver of version 525 or later"));
}

void find_functions(Driver& d) {
  if (auto version = reinterpret_cast<decltype(&::cuDriverGetVersion)>(dlsym(d.library, "cuDriverGetVersion")))
    version(&d.version);
  check_version(d.version);
  const auto find =
      reinterpret_cast<decltype(&::cuGetProcAddress)>(dlsym(d.library, "cuGetProcAddress_v2"));  // since CUDA 12.0
  const auto get = [&](const char* name, auto& into) {
    void* address = nullptr;
    if (!find || find(name, &address, kOldest, CU_GET_PROC_ADDRESS_LEGACY_STREAM, nullptr) != CUDA_SUCCESS || !address)
      throw Error(text("[cuda] the driver for CUDA ", version_text(d.version), " has no function ",
                       find ? name : "cuGetProcAddress_v2", "; expected all those of CUDA ", version_text(kOldest),
                       "; install NVIDIA's driver again"));
    into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(address);
  };
#define PT_GET(name) get(#name, d.name);
  PT_CUDA_DRIVER(PT_GET)
#undef PT_GET
}

void start(Driver& d) {
  CUresult result = d.cuInit(0);
  if (result == CUDA_SUCCESS) result = d.cuDeviceGetCount(&d.devices);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && d.devices == 0)) {
    throw Error(
        "[cuda] the driver finds no GPU; expected one at least; look at what nvidia-smi prints and at "
        "CUDA_VISIBLE_DEVICES, and start a container with its GPUs");
  }
  if (result != CUDA_SUCCESS) {
    throw Error(text("[cuda] the driver does not start: ", describe(d, result),
                     "; expected a GPU that can be used; look at what nvidia-smi prints; after an update of the "
                     "driver, start the system again"));
  }
}

struct Opened {
  Driver driver;
  std::string problem;
  uint32_t process = forks();

  Opened() {
    try {
      driver.library = open_library(driver.simulated);
      find_functions(driver);
      start(driver);
    } catch (const Error& error) {
      problem = error.what();
    }
  }
};

}  // namespace

const Driver& driver() {
  static const Opened& opened = *new Opened;
  if (opened.process != forks()) {
    throw Error(
        "[cuda] the driver was started before this process was forked; expected the process that started it, for CUDA "
        "does not survive a fork; start workers with the spawn method, or use CUDA in the workers alone");
  }
  if (!opened.problem.empty()) throw Error(opened.problem);
  return opened.driver;
}

std::string describe(const Driver& driver, CUresult result) {
  const char *name = nullptr, *meaning = nullptr;
  if (driver.cuGetErrorName) driver.cuGetErrorName(result, &name);
  if (driver.cuGetErrorString) driver.cuGetErrorString(result, &meaning);
  const std::string known = name ? name : text("error ", static_cast<int>(result));
  return meaning ? text(known, " (", meaning, ")") : known;
}

std::string version_text(int version) { return text(version / 1000, ".", version % 1000 / 10); }

uint32_t forks() { return forks_seen.load(std::memory_order_relaxed); }

std::string beside_this_library(const std::string& file) {
  Dl_info found{};
  if (!dladdr(reinterpret_cast<const void*>(&forks), &found) || !found.dli_fname) return file;
  return (std::filesystem::absolute(found.dli_fname).parent_path() / file).string();
}

}  // namespace pt::cuda
