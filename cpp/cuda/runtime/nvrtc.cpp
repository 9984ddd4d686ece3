#include "cuda/runtime/nvrtc.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "cuda/runtime/driver.h"

namespace pt::cuda {

// As nvrtc.h declares them, which does not come with every toolkit.
struct Nvrtc::Functions {
  using Program = struct Opaque*;
  using Result = int;  // 0 is success
  const char* (*nvrtcGetErrorString)(Result);
  Result (*nvrtcVersion)(int* major, int* minor);
  Result (*nvrtcGetNumSupportedArchs)(int*);
  Result (*nvrtcGetSupportedArchs)(int*);
  Result (*nvrtcCreateProgram)(Program*, const char* source, const char* name, int headers, const char* const* texts,
                               const char* const* names);
  Result (*nvrtcDestroyProgram)(Program*);
  Result (*nvrtcCompileProgram)(Program, int options, const char* const*);
  Result (*nvrtcGetProgramLogSize)(Program, std::size_t*);
  Result (*nvrtcGetProgramLog)(Program, char*);
  Result (*nvrtcGetCUBINSize)(Program, std::size_t*);
  Result (*nvrtcGetCUBIN)(Program, char*);
  Result (*nvrtcGetPTXSize)(Program, std::size_t*);
  Result (*nvrtcGetPTX)(Program, char*);
};

namespace {

// NVRTC opens a part of itself by its bare name, which the loader does not look for beside it; one that is loaded it
// finds.
void open_part_beside(const std::filesystem::path& library) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(library.parent_path(), failed)) {
    if (entry.path().filename().string().starts_with("libnvrtc-builtins.so"))
      dlopen(entry.path().c_str(), RTLD_NOW | RTLD_GLOBAL);
  }
}

constexpr char kOfSimulator[] = "sim";

// POWERTRAIN_CUDA_NVRTC names one; else one of the system. The simulator's own has to be named: it is g++, and slow.
void* open_library(std::string& name) {
  const char* named = std::getenv("POWERTRAIN_CUDA_NVRTC");
  if (driver().simulated && named && named == std::string_view(kOfSimulator))
    return name = kOfSimulator, driver().library;
  if (named && *named) {
    open_part_beside(named);
    return dlopen((name = named).c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (driver().simulated) return nullptr;
  for (const char* file : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"}) {
    if (void* library = dlopen((name = file).c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

bool is_ptx(const std::string& architecture) { return architecture.starts_with("compute_"); }

}  // namespace

const Nvrtc* Nvrtc::open(std::string& problem) {
  auto made = std::unique_ptr<Nvrtc>(new Nvrtc);
  void* library = open_library(made->name_);
  if (!library) {
    const char* said = dlerror();
    problem = text("[cuda] NVRTC could not be opened (", said ? said : "the simulator's is POWERTRAIN_CUDA_NVRTC = sim",
                   "); expected it to compile kernels; pip install nvidia-cuda-nvrtc-cu12, or let "
                   "POWERTRAIN_CUDA_NVRTC name libnvrtc.so");
    return nullptr;
  }
  auto functions = std::make_unique<Functions>();
  const char* missing = nullptr;
  const auto get = [&](const char* name, auto& into) {
    into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(dlsym(library, name));
    if (!into) missing = name;
  };
#define PT_GET(name) get(#name, functions->name)
  PT_GET(nvrtcGetErrorString);
  PT_GET(nvrtcVersion);
  PT_GET(nvrtcGetNumSupportedArchs);
  PT_GET(nvrtcGetSupportedArchs);
  PT_GET(nvrtcCreateProgram);
  PT_GET(nvrtcDestroyProgram);
  PT_GET(nvrtcCompileProgram);
  PT_GET(nvrtcGetProgramLogSize);
  PT_GET(nvrtcGetProgramLog);
  PT_GET(nvrtcGetCUBINSize);
  PT_GET(nvrtcGetCUBIN);
  PT_GET(nvrtcGetPTXSize);
  PT_GET(nvrtcGetPTX);
#undef PT_GET
  int major = 0, minor = 0;
  if (!missing && functions->nvrtcVersion(&major, &minor) != 0) missing = "nvrtcVersion";
  if (missing || major < 12) {
    problem = missing ? text("[cuda] ", made->name_, " has no function ", missing,
                             "; expected NVRTC 12 or later; "
                             "install nvidia-cuda-nvrtc-cu12")
                      : text("[cuda] ", made->name_, " is NVRTC ", major, ".", minor,
                             "; expected 12.0 or later; "
                             "install nvidia-cuda-nvrtc-cu12");
    return nullptr;
  }
  made->version_ = 1000 * major + 10 * minor;
  made->functions_ = functions.release();
  return made.release();
}

const Nvrtc* Nvrtc::find(std::string* why_not) {
  static const auto& found = *new auto([] {
    std::string problem;
    const Nvrtc* nvrtc = open(problem);
    return std::pair(nvrtc, problem);
  }());
  if (why_not) *why_not = found.second;
  return found.first;
}

// The simulator is linked anew when a header changes that kernels include there: the file's date stands for all of
// them.
std::string Nvrtc::identity() const {
  if (name_ != kOfSimulator) return text("NVRTC ", version_);
  namespace fs = std::filesystem;
  const fs::path file = beside_this_library(kSimulatedDriver);
  return text("simulator ", version_, " of ", fs::last_write_time(file).time_since_epoch().count(), ", ",
              fs::file_size(file), " bytes");
}

std::string Nvrtc::architecture(int capability) const {
  int count = 0;
  functions_->nvrtcGetNumSupportedArchs(&count);
  std::vector<int> known(count);
  functions_->nvrtcGetSupportedArchs(known.data());
  if (std::find(known.begin(), known.end(), capability) != known.end()) return text("sm_", capability);
  int best = 0;
  for (int one : known) best = one < capability ? std::max(best, one) : best;
  return text("compute_", best ? best : capability);
}

std::string Nvrtc::compile(const std::string& source, const std::string& name, const std::string& architecture,
                           const std::vector<std::string>& options) const {
  const Functions& f = *functions_;
  const std::string arch = "--gpu-architecture=" + architecture;
  std::vector<const char*> words{arch.c_str()};
  for (const std::string& option : options) words.push_back(option.c_str());
  Functions::Program program = nullptr;
  const auto check = [&](Functions::Result result) {
    if (result != 0)
      throw KernelError(text("[cuda ", name, "] NVRTC says ", f.nvrtcGetErrorString(result),
                             "; expected the kernel to compile; please report it"));
  };
  check(f.nvrtcCreateProgram(&program, source.c_str(), (name + ".cu").c_str(), 0, nullptr, nullptr));
  struct Destroy {
    const Functions& f;
    Functions::Program* program;
    ~Destroy() { f.nvrtcDestroyProgram(program); }
  } const destroy{f, &program};
  const auto read = [&](auto size, auto get) {
    std::size_t bytes = 0;
    check(size(program, &bytes));
    std::string all(bytes, '\0');
    check(get(program, all.data()));
    return all;
  };
  if (f.nvrtcCompileProgram(program, static_cast<int>(words.size()), words.data()) != 0)
    throw CompileError(read(f.nvrtcGetProgramLogSize, f.nvrtcGetProgramLog).c_str());
  return is_ptx(architecture) ? read(f.nvrtcGetPTXSize, f.nvrtcGetPTX) : read(f.nvrtcGetCUBINSize, f.nvrtcGetCUBIN);
}

}  // namespace pt::cuda
