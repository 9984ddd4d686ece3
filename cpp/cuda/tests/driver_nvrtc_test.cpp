// The simulated driver: programs that NVRTC's stand-in compiles, from their text to their results.
#if __has_include(<nvrtc.h>)
#include <nvrtc.h>

#include "cuda/tests/driver_case.h"

namespace pt::cuda {
namespace {

const char kProgram[] = R"(
#include "cuda/kernel.h"
#include "factor.h"
struct Scaled { int32_t by; };
PT_CUDA_KERNEL(printed_scaled, 2, Scaled, 1024) {
  const int* in = reinterpret_cast<const int*>(operands.at[0]);
  int* out = reinterpret_cast<int*>(operands.at[1]);
  const int64_t i = pt::cuda::global_thread();
  out[i] = in[i] * params.by * FACTOR + EXTRA;
}
)";

struct Program {
  nvrtcProgram program = nullptr;
  nvrtcResult result{};

  Program(const std::string& text, const char* factor, std::vector<const char*> options) {
    const char *names[] = {"factor.h"}, *headers[] = {factor};
    CHECK_EQ(int(CU(nvrtcCreateProgram)(&program, text.c_str(), "printed.cu", 1, headers, names)), 0);
    result = CU(nvrtcCompileProgram)(program, int(options.size()), options.data());
  }
  ~Program() { CHECK_EQ(int(CU(nvrtcDestroyProgram)(&program)), 0); }

  std::string image() const {
    size_t size = 0;
    CHECK_EQ(int(CU(nvrtcGetCUBINSize)(program, &size)), 0);
    std::string bytes(size, 0);
    CHECK_EQ(int(CU(nvrtcGetCUBIN)(program, bytes.data())), 0);
    return bytes;
  }
  std::string log() const {
    size_t size = 0;
    CHECK_EQ(int(CU(nvrtcGetProgramLogSize)(program, &size)), 0);
    std::string text(size, 0);
    CHECK_EQ(int(CU(nvrtcGetProgramLog)(program, text.data())), 0);
    CHECK_EQ(text.back(), '\0');
    return text.substr(0, size - 1);
  }
};

const std::vector<const char*> kOptions{"-arch=sm_90", "--std=c++20", "-fmad=false", "--ftz=false", "-DEXTRA=1"};

void test_program() {
  start();
  const std::string cache = "/tmp/powertrain-nvrtc-test-" + std::to_string(getpid());
  setenv("POWERTRAIN_SIM_CACHE", cache.c_str(), 1);
  std::string image;
  {
    const Program first(kProgram, "#define FACTOR 10\n", kOptions);
    CHECK_EQ(int(first.result), 0);
    CHECK_EQ(first.log(), std::string());
    image = first.image();
    CHECK_EQ(image.substr(0, 5), std::string("PTSIM"));
  }
  const CUdeviceptr a = allocate(128), b = allocate(128);
  OK(cuMemcpyHtoD, a, counted(0).data(), 128);
  Reverse scaled(image.data(), "printed_scaled");
  CHECK_EQ(int(scaled.launch(b, a, 2, nullptr)), 0);
  CHECK_EQ(values(b, 32)[3], 61);
  // The image holds no kernels of the library, and the library none of its own.
  CUfunction none = nullptr;
  CUmodule own = nullptr;
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction, &none, scaled.module, "example_reverse");
  OK(cuModuleLoadData, &own, "PTSIM");
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction, &none, own, "printed_scaled");
  // The same again comes from the cache; another header is another program.
  CHECK_EQ(count("simCompilations"), uint64_t(1));
  CHECK(Program(kProgram, "#define FACTOR 10\n", kOptions).image() == image);
  CHECK_EQ(count("simCompilations"), uint64_t(1));
  CHECK(Program(kProgram, "#define FACTOR 11\n", kOptions).image() != image);
  CHECK_EQ(count("simCompilations"), uint64_t(2));
  CLEAN();
  CHECK_EQ(std::system(("rm -r " + cache).c_str()), 0);
}

void test_mistakes() {
  start();
  const Program broken("#include \"cuda/kernel.h\"\nint x = no_such_name;\n", "", {});
  CHECK_EQ(int(broken.result), int(NVRTC_ERROR_COMPILATION));
  CHECK_EQ(std::string(CU(nvrtcGetErrorString)(broken.result)), std::string("NVRTC_ERROR_COMPILATION"));
  CHECK_EQ(broken.log().substr(0, 13), std::string("printed.cu:2:"));
  CHECK(broken.log().find("no_such_name") != std::string::npos);
  size_t size = 0;
  CHECK_EQ(int(CU(nvrtcGetCUBINSize)(broken.program, &size)), int(NVRTC_ERROR_INVALID_INPUT));
  const Program odd(kProgram, "", {"--no-such-option"});
  CHECK_EQ(int(odd.result), int(NVRTC_ERROR_INVALID_OPTION));
  CHECK_EQ(odd.log(), std::string("unknown option: --no-such-option"));
  int major = 0, minor = 0, archs[8] = {}, n = 0;
  CHECK_EQ(int(CU(nvrtcVersion)(&major, &minor)), 0);
  CHECK(major == 12 && minor == 3);
  CHECK_EQ(int(CU(nvrtcGetNumSupportedArchs)(&n)), 0);
  CHECK_EQ(int(CU(nvrtcGetSupportedArchs)(archs)), 0);
  CHECK(n == 5 && archs[0] == 80 && archs[4] == 100);
}

}  // namespace
}  // namespace pt::cuda

using namespace pt::cuda;

int main() {
  CHECK(run_case("", test_program));
  CHECK(run_case("version=12030", test_mistakes));
  return pt::check::finish();
}

#else

#include <cstdio>

int main() { std::puts("skipped: there is no nvrtc.h, so that the simulated driver compiles no programs"); }

#endif
