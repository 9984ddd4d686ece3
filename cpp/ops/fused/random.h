// Random numbers of the fused machine: element e takes word e % 4 of Philox block e / 4 (doubles two words of block
// e / 2), so that neither layout nor tiles matter.
#pragma once
#include "ops/fused/desc.h"
#include "simd/native.h"
#include "simd/philox.h"

namespace pt {
namespace PT_ISA {

// Elements [first, first + n) of the iteration space.
inline void uniform_run(const PhiloxKey& key, float* dst, int64_t first, int64_t n) {
  constexpr int kRun = 4 * kPhiloxBlocks;
  for (int64_t begin = first & ~int64_t(3); begin < first + n; begin += kRun) {
    uint32_t words[4][kPhiloxBlocks];
    philox_blocks(key, uint64_t(begin) / 4, words);
    float values[kRun];
    for (int i = 0; i < kPhiloxBlocks; ++i) {
      for (int w = 0; w < 4; ++w) values[4 * i + w] = philox_float(words[w][i]);
    }
    int64_t from = begin < first ? first - begin : 0;
    int64_t to = first + n - begin < kRun ? first + n - begin : kRun;
    __builtin_memcpy(dst + (begin + from - first), values + from, size_t(to - from) * sizeof(float));
  }
}
inline void uniform_run(const PhiloxKey& key, double* dst, int64_t first, int64_t n) {
  constexpr int kRun = 2 * kPhiloxBlocks;
  for (int64_t begin = first & ~int64_t(1); begin < first + n; begin += kRun) {
    uint32_t words[4][kPhiloxBlocks];
    philox_blocks(key, uint64_t(begin) / 2, words);
    double values[kRun];
    for (int i = 0; i < kPhiloxBlocks; ++i) {
      values[2 * i] = philox_double(words[0][i], words[1][i]);
      values[2 * i + 1] = philox_double(words[2][i], words[3][i]);
    }
    int64_t from = begin < first ? first - begin : 0;
    int64_t to = first + n - begin < kRun ? first + n - begin : kRun;
    __builtin_memcpy(dst + (begin + from - first), values + from, size_t(to - from) * sizeof(double));
  }
}

}  // namespace PT_ISA
}  // namespace pt
