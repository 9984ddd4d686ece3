// Compiled images of printed kernels: from the cache on disk, or from NVRTC.
#pragma once
#include <string>

namespace pt::cuda {

// For a device of this capability. Throws where there is no compiler, or what it says.
std::string printed_image(const std::string& source, const std::string& name, int capability);

}  // namespace pt::cuda
