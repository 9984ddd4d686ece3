// Philox 4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Plain integer
// code with internal linkage, so that kernels and the baseline can both use it.
#pragma once
#if !defined(__CUDACC_RTC__)
#include <stdint.h>
#endif

namespace pt {

#if defined(__CUDACC__)
#define PT_PHILOX static __device__ __forceinline__
#else
#define PT_PHILOX static inline __attribute__((always_inline, unused))
#endif

struct PhiloxKey {
  uint32_t key[2];
  uint32_t call_low, call_high, stream;
};

// The 64 bits of the seed and the upper half of the stream make the key; block (48 bits), call (48 bits) and the lower
// half of the stream make the counter.
PT_PHILOX PhiloxKey philox_key(int64_t seed, int64_t stream, int64_t call) {
  PhiloxKey k;
  k.key[0] = uint32_t(uint64_t(seed));
  k.key[1] = uint32_t(uint64_t(seed) >> 32) ^ uint32_t(uint64_t(stream) >> 32);
  k.call_low = uint32_t(uint64_t(call));
  k.call_high = uint32_t(uint64_t(call) >> 32) << 16;
  k.stream = uint32_t(uint64_t(stream));
  return k;
}

constexpr int kPhiloxBlocks = 16;

// The words of kBlocks blocks from `first` on; words[w][i] is word w of block i. The loops over blocks vectorise.
template <int kBlocks>
PT_PHILOX void philox_blocks(const PhiloxKey& k, uint64_t first, uint32_t (&words)[4][kBlocks]) {
  uint32_t c0[kBlocks], c1[kBlocks], c2[kBlocks], c3[kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    uint64_t block = first + uint64_t(i);
    c0[i] = uint32_t(block);
    c1[i] = uint32_t(block >> 32) | k.call_high;
    c2[i] = k.call_low;
    c3[i] = k.stream;
  }
  uint32_t key0 = k.key[0], key1 = k.key[1];
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kBlocks; ++i) {
      uint64_t product0 = uint64_t(0xD2511F53u) * c0[i];
      uint64_t product1 = uint64_t(0xCD9E8D57u) * c2[i];
      c0[i] = uint32_t(product1 >> 32) ^ c1[i] ^ key0;
      c2[i] = uint32_t(product0 >> 32) ^ c3[i] ^ key1;
      c1[i] = uint32_t(product1);
      c3[i] = uint32_t(product0);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int i = 0; i < kBlocks; ++i) {
    words[0][i] = c0[i];
    words[1][i] = c1[i];
    words[2][i] = c2[i];
    words[3][i] = c3[i];
  }
}

// [0, 1) with 24 and 53 bits.
PT_PHILOX float philox_float(uint32_t word) { return float(int32_t(word >> 8)) * 0x1p-24f; }
PT_PHILOX double philox_double(uint32_t low, uint32_t high) {
  uint64_t bits = (uint64_t(high) << 32 | low) >> 11;
  return double(int64_t(bits)) * 0x1p-53;
}

// Of one element: word e % 4 of block e / 4, and two words of block e / 2.
PT_PHILOX float philox_float_at(const PhiloxKey& k, int64_t e) {
  uint32_t words[4][1];
  philox_blocks(k, uint64_t(e) / 4, words);
  const int word = int(e & 3);
  return philox_float(word == 0 ? words[0][0] : word == 1 ? words[1][0] : word == 2 ? words[2][0] : words[3][0]);
}
PT_PHILOX double philox_double_at(const PhiloxKey& k, int64_t e) {
  uint32_t words[4][1];
  philox_blocks(k, uint64_t(e) / 2, words);
  return e & 1 ? philox_double(words[2][0], words[3][0]) : philox_double(words[0][0], words[1][0]);
}

}  // namespace pt
