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

constexpr int kPhiloxRounds = 10;
constexpr uint32_t kPhiloxEven = 0xD2511F53u, kPhiloxOdd = 0xCD9E8D57u;  // which words 0 and 2 are multiplied by
constexpr uint32_t kPhiloxFirstStep = 0x9E3779B9u, kPhiloxSecondStep = 0xBB67AE85u;  // what a round adds to the keys

PT_PHILOX void philox_block(const PhiloxKey& k, uint64_t block, uint32_t (&words)[4]) {
  uint32_t c0 = uint32_t(block), c1 = uint32_t(block >> 32) | k.call_high, c2 = k.call_low, c3 = k.stream;
  uint32_t key0 = k.key[0], key1 = k.key[1];
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t product0 = uint64_t(kPhiloxEven) * c0, product1 = uint64_t(kPhiloxOdd) * c2;
    c0 = uint32_t(product1 >> 32) ^ c1 ^ key0;
    c2 = uint32_t(product0 >> 32) ^ c3 ^ key1;
    c1 = uint32_t(product1);
    c3 = uint32_t(product0);
    key0 += kPhiloxFirstStep;
    key1 += kPhiloxSecondStep;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// [0, 1) with 24 and 53 bits.
PT_PHILOX float philox_float(uint32_t word) { return float(int32_t(word >> 8)) * 0x1p-24f; }
PT_PHILOX double philox_double(uint64_t words) { return double(int64_t(words >> 11)) * 0x1p-53; }

// Of one element: word e % 4 of block e / 4, and two words of block e / 2.
PT_PHILOX float philox_float_at(const PhiloxKey& k, int64_t e) {
  uint32_t words[4];
  philox_block(k, uint64_t(e) / 4, words);
  const int word = int(e & 3);
  return philox_float(word == 0 ? words[0] : word == 1 ? words[1] : word == 2 ? words[2] : words[3]);
}
PT_PHILOX double philox_double_at(const PhiloxKey& k, int64_t e) {
  uint32_t words[4];
  philox_block(k, uint64_t(e) / 2, words);
  return philox_double(e & 1 ? uint64_t(words[3]) << 32 | words[2] : uint64_t(words[1]) << 32 | words[0]);
}

}  // namespace pt
