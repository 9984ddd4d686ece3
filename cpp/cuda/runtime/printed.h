// Images of kernels that are compiled at run time: from the cache on disk, or from NVRTC.
#pragma once
#include <string>
#include <vector>

namespace pt::cuda {

// For a device of this capability. Throws where there is no compiler, or what it says.
std::string printed_image(const std::string& source, const std::string& name, int capability);
// Of a plugin's source, with options of its own and none of ours.
std::string plugin_image(const std::string& source, const std::string& function, int capability,
                         const std::vector<std::string>& options);

}  // namespace pt::cuda
