// Two or three of +, - and * in one loop, each rounded as its own instruction would round it; a choice by a comparison,
// whose mask never goes through memory; and sums of one or two of +, - and *.
#pragma once
#include "ops/fused/desc.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

// n is a multiple of kFusedLanes; bit i of steps: argument i advances, otherwise it is one vector of equal lanes.
// Arguments come in registers: an array would be written and read in words of unequal length, which a processor waits
// for.
using ChainFn = void (*)(char* dst, const char* a, const char* b, const char* c, const char* d, int64_t n,
                         unsigned steps);

extern const ChainFn kChainsF32[3][27] __attribute__((visibility("hidden")));
extern const ChainFn kChainsF64[3][27] __attribute__((visibility("hidden")));
// Of F32: adds the elements to the kSumLanes lanes of a reduction. By FusedChain; none for Both. Where argument i
// advances, there are n elements of it, of any number.
using SumChainFn = void (*)(char* lanes, const char* a, const char* b, const char* c, int64_t n, unsigned steps);
extern const SumChainFn kChainSums[5][9] __attribute__((visibility("hidden")));
// In the order of FusedCompare.
extern const ChainFn kSelectsF32[6] __attribute__((visibility("hidden")));
extern const ChainFn kSelectsF64[6] __attribute__((visibility("hidden")));

}  // namespace PT_ISA
}  // namespace pt
