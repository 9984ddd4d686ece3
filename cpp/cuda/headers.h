// The text of the headers that printed kernels include, as they were when the library was built.
#pragma once

namespace pt::cuda {

struct Header {
  const char *name, *text;  // "simd/vec.h"
};
extern const Header kHeaders[];  // ends with a nameless one

}  // namespace pt::cuda
