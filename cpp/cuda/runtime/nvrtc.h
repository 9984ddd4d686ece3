// NVIDIA's compiler for kernels that are printed while the program runs. It may be missing.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"

namespace pt::cuda {

// The messages of the compiler for a source that it refused.
struct CompileError : KernelError {
  using KernelError::KernelError;
};

class Nvrtc {
 public:
  // nullptr where there is none, for the reason that it gives.
  static const Nvrtc* find(std::string* why_not = nullptr);

  // Which compiler it is, for whoever keeps what it made: "NVRTC 13000". Each build of the simulator is another one.
  std::string identity() const;
  // "sm_90", or "compute_90" of a device that is newer than the compiler: what may be asked of it for a device.
  std::string architecture(int capability) const;
  // A cubin or PTX.
  std::string compile(const std::string& source, const std::string& name, const std::string& architecture,
                      const std::vector<std::string>& options) const;

 private:
  struct Functions;
  Nvrtc() = default;
  static const Nvrtc* open(std::string& problem);

  const Functions* functions_ = nullptr;
  std::string name_;
  int version_ = 0;
};

}  // namespace pt::cuda
