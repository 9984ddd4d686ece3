// Division by a number that the plan knows, of dividends with dividend * divisor below 2^64.
#pragma once
#include <stdint.h>

#if defined(__CUDACC__) || defined(PT_CUDA_SIM)
#include "cuda/kernel.h"
#endif

namespace pt::cuda {

struct Division {
  uint64_t magic;  // the ceiling of 2^64 / by; 0 divides by 1
  int64_t by;

  Division() = default;
  explicit Division(int64_t divisor)
      : magic(divisor <= 1 ? 0 : ~uint64_t{0} / static_cast<uint64_t>(divisor) + 1), by(divisor < 1 ? 1 : divisor) {}
};

#if defined(__CUDACC__) || defined(PT_CUDA_SIM)
PT_DEVICE int64_t divide(int64_t n, const Division& by) {
  return by.magic ? int64_t(__umul64hi(uint64_t(n), by.magic)) : n;
}
#endif

}  // namespace pt::cuda
