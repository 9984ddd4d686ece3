// What stands for a cubin. An image that begins with PTSIM has the kernels that the library holds itself; one that
// begins with PTSIMLIB has those of a shared library that travels in it, as NVRTC's stand-in makes it.
#pragma once
#include <string>

namespace pt::simdriver {

// Every such library exports it, so that the driver finds which kernels are its own.
constexpr char kMarker[] = "pt_sim_printed";

std::string image_of_library(const std::string& bytes);

// The library of an image's kernels, loaded if it was not yet; null for what is no image.
const void* load_image(const void* image);
// The library in which code lies.
const void* library_of(const void* code);

}  // namespace pt::simdriver
