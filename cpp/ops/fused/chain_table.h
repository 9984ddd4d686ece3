// Two or three of +, - and * in one loop, each rounded as its own instruction would round it; and a choice by a
// comparison, whose mask never goes through memory.
#pragma once
#include "ops/fused/desc.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

// n is a multiple of kFusedLanes; bit i of steps: argument i advances, otherwise it is one vector of equal lanes.
using ChainFn = void (*)(char* dst, const char* const* args, int64_t n, unsigned steps);

extern const ChainFn kChainsF32[3][27] __attribute__((visibility("hidden")));
extern const ChainFn kChainsF64[3][27] __attribute__((visibility("hidden")));
// In the order of FusedCompare.
extern const ChainFn kSelectsF32[6] __attribute__((visibility("hidden")));
extern const ChainFn kSelectsF64[6] __attribute__((visibility("hidden")));

}  // namespace PT_ISA
}  // namespace pt
