#include "cuda/runtime/cublaslt.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "cuda/runtime/driver.h"

namespace pt::cuda {
namespace {

constexpr int kOldest = 120000;
constexpr char kSimulated[] = "libpowertrain_cublaslt_sim.so";

std::string version_of(int version) { return text(version / 10000, ".", version % 10000 / 100, ".", version % 100); }

// One of the driver's own CUDA or older: a newer one's kernels do not load.
void* open_of_system() {
  if (driver().simulated) return nullptr;
  for (const char* file : {"libcublasLt.so.13", "libcublasLt.so.12"}) {
    if (driver().version < 13000 && file == std::string_view("libcublasLt.so.13")) continue;
    if (void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

// What is wrong with a library, or nothing.
std::string fill(CublasLt& lt, void* library) {
  const char* missing = nullptr;
  const auto get = [&](const char* name, auto& into) {
    into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(dlsym(library, name));
    if (!into && !missing) missing = name;
  };
#define PT_GET(name) get(#name, lt.name);
  PT_CUBLASLT(PT_GET)
#undef PT_GET
  // Before 12.0 a version was 1000 times the first number.
  lt.version = lt.cublasLtGetVersion ? static_cast<int>(lt.cublasLtGetVersion()) : 0;
  if (lt.version > 0 && lt.version < kOldest)
    return text("is of version ", lt.version, "; expected 12.0 or later, ", kOldest);
  return missing ? text("has no function ", missing, "; expected cuBLASLt 12.0 or later") : "";
}

struct Found {
  const CublasLt* library = nullptr;
  std::string why_not;
  bool named = false;
};

// POWERTRAIN_CUBLASLT names one; else one of the system. The simulator's own has to be named.
Found find() {
  constexpr char kFix[] = "; pip install nvidia-cublas-cu12, or set POWERTRAIN_CUBLASLT=0 for powertrain's own kernels";
  const char* given = std::getenv("POWERTRAIN_CUBLASLT");
  const std::string name = given ? given : "";
  if (name == "0") return {};
  Found found;
  found.named = !name.empty();
  const bool simulated = driver().simulated && name == "sim";
  const std::string path = simulated ? beside_this_library(kSimulated) : name;
  void* library = found.named ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : open_of_system();
  if (!library && found.named) {
    found.why_not = text("[cuda] POWERTRAIN_CUBLASLT = ", name, ", but ", path, " could not be opened (", dlerror(),
                         "); expected the path of libcublasLt.so, or 0", kFix);
  }
  if (!library) return found;
  auto& lt = *new CublasLt;
  if (const std::string problem = fill(lt, library); !problem.empty()) {
    found.why_not = text("[cuda] ", found.named ? path : "libcublasLt.so of the system", " ", problem, kFix);
  } else {
    found.library = &lt;
  }
  return found;
}

}  // namespace

std::string CublasLt::about() const { return "cuBLASLt " + version_of(version); }

const CublasLt* cublaslt(std::string* why_not) {
  static const Found& found = *new Found(find());
  if (found.named && !found.why_not.empty()) throw Error(found.why_not);
  if (why_not) *why_not = found.why_not;
  return found.library;
}

}  // namespace pt::cuda
