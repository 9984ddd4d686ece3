// Entry points of NVRTC. The program is compiled for the simulator; what it gives as a cubin is an image for
// cuModuleLoadData (images.h).
#pragma GCC visibility push(default)
#include <nvrtc.h>
#pragma GCC visibility pop

#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "cuda/sim/driver/compile.h"
#include "cuda/sim/driver/images.h"
#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

struct _nvrtcProgram {
  Source source;
  std::string image, log;
};

namespace {

std::mutex mutex;
std::unordered_map<nvrtcProgram, std::unique_ptr<_nvrtcProgram>> programs;

_nvrtcProgram* find(nvrtcProgram handle) {
  std::lock_guard lock(mutex);
  auto found = programs.find(handle);
  return found == programs.end() ? nullptr : found->second.get();
}

bool begins(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

// What the host's compiler is told; nothing for an option that NVRTC does not know. The last kind is of no effect: the
// architecture, and how to round, which is always as the library's kernels do.
std::optional<std::string> translated(const std::string& option) {
  for (const char* spelling : {"--include-path=", "-I=", "-I"})
    if (begins(option, spelling)) return "-I" + option.substr(std::strlen(spelling));
  for (const char* spelling : {"--define-macro=", "-D=", "-D"})
    if (begins(option, spelling)) return "-D" + option.substr(std::strlen(spelling));
  for (const char* name : {"gpu-architecture=",
                           "arch=",
                           "std=",
                           "fmad=",
                           "prec-div=",
                           "prec-sqrt=",
                           "ftz=",
                           "device-as-default-execution-space",
                           "default-device",
                           "extra-device-vectorization",
                           "split-compile=",
                           "restrict",
                           "diag-suppress=",
                           "minimal",
                           "relaxed-constexpr",
                           "expt-relaxed-constexpr",
                           "maxrregcount=",
                           "generate-line-info",
                           "lineinfo",
                           "disable-warnings",
                           "w"})
    if (begins(option, ("--" + std::string(name)).c_str()) || begins(option, ("-" + std::string(name)).c_str()))
      return "";
  return {};
}

nvrtcResult give(const std::string& text, char* to) {
  if (!to) return NVRTC_ERROR_INVALID_INPUT;
  std::memcpy(to, text.data(), text.size());
  return NVRTC_SUCCESS;
}

nvrtcResult size_of_image(nvrtcProgram handle, size_t* size) {
  const _nvrtcProgram* program = find(handle);
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  if (!size || program->image.empty()) return NVRTC_ERROR_INVALID_INPUT;
  *size = program->image.size();
  return NVRTC_SUCCESS;
}

nvrtcResult give_image(nvrtcProgram handle, char* to) {
  const _nvrtcProgram* program = find(handle);
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  return program->image.empty() ? NVRTC_ERROR_INVALID_INPUT : give(program->image, to);
}

}  // namespace

nvrtcResult nvrtcVersion(int* major, int* minor) {
  int version = 0;
  if (!major || !minor || cuDriverGetVersion(&version) != CUDA_SUCCESS) return NVRTC_ERROR_INVALID_INPUT;
  *major = version / 1000;
  *minor = version % 1000 / 10;
  return NVRTC_SUCCESS;
}

const char* nvrtcGetErrorString(nvrtcResult result) {
  switch (result) {
    case NVRTC_SUCCESS:
      return "NVRTC_SUCCESS";
    case NVRTC_ERROR_OUT_OF_MEMORY:
      return "NVRTC_ERROR_OUT_OF_MEMORY";
    case NVRTC_ERROR_PROGRAM_CREATION_FAILURE:
      return "NVRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case NVRTC_ERROR_INVALID_INPUT:
      return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_INVALID_PROGRAM:
      return "NVRTC_ERROR_INVALID_PROGRAM";
    case NVRTC_ERROR_INVALID_OPTION:
      return "NVRTC_ERROR_INVALID_OPTION";
    case NVRTC_ERROR_COMPILATION:
      return "NVRTC_ERROR_COMPILATION";
    default:
      return "NVRTC_ERROR unknown";
  }
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram* handle, const char* text, const char* name, int count,
                               const char* const* headers, const char* const* names) {
  if (!handle || !text || count < 0 || (count && (!headers || !names))) return NVRTC_ERROR_INVALID_INPUT;
  auto program = std::make_unique<_nvrtcProgram>();
  program->source.name = name ? name : "default_program";
  program->source.text = text;
  for (int at = 0; at < count; ++at) program->source.headers.emplace_back(names[at], headers[at]);
  *handle = program.get();
  std::lock_guard lock(mutex);
  programs[*handle] = std::move(program);
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram* handle) {
  if (!handle) return NVRTC_ERROR_INVALID_PROGRAM;
  std::lock_guard lock(mutex);
  if (!programs.erase(*handle)) return NVRTC_ERROR_INVALID_PROGRAM;
  *handle = nullptr;
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram handle, int count, const char* const* options) {
  _nvrtcProgram* program = find(handle);
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  {
    std::lock_guard lock(driver().mutex);
    if (driver().settings.fail_compile.at(++driver().compilations_tried))
      return program->log = "ordered to fail by POWERTRAIN_SIM", NVRTC_ERROR_COMPILATION;
  }
  program->source.options.clear();
  for (int at = 0; at < count; ++at) {
    const auto option = translated(options[at]);
    if (!option) return program->log = "unknown option: " + std::string(options[at]), NVRTC_ERROR_INVALID_OPTION;
    if (!option->empty()) program->source.options.push_back(*option);
  }
  const Compiled compiled = compile(program->source);
  program->log = compiled.log;
  if (!compiled.cached) {
    std::lock_guard lock(driver().mutex);
    ++driver().counters.compilations;
  }
  if (compiled.library.empty()) return NVRTC_ERROR_COMPILATION;
  program->image = image_of_library(compiled.library);
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t* size) { return size_of_image(program, size); }
nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* image) { return give_image(program, image); }
nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t* size) { return size_of_image(program, size); }
nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* image) { return give_image(program, image); }

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram handle, size_t* size) {
  const _nvrtcProgram* program = find(handle);
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  if (!size) return NVRTC_ERROR_INVALID_INPUT;
  *size = program->log.size() + 1;
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram handle, char* log) {
  const _nvrtcProgram* program = find(handle);
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  return give(program->log + '\0', log);
}

nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
  if (!count) return NVRTC_ERROR_INVALID_INPUT;
  *count = 5;
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetSupportedArchs(int* archs) {
  if (!archs) return NVRTC_ERROR_INVALID_INPUT;
  for (int arch : {80, 86, 89, 90, 100}) *archs++ = arch;
  return NVRTC_SUCCESS;
}
