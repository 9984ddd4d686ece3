// NVIDIA's own header, so that the compiler checks each signature, and its macros give the versioned symbols
// (cuMemAlloc becomes cuMemAlloc_v2). What it declares is what the library exports.
#pragma once
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop
