// Random numbers of the fused machine: element e takes word e % 4 of Philox block e / 4 (doubles two words of block
// e / 2), so that neither layout nor tiles matter.
#pragma once
#include "ops/fused/desc.h"
#include "simd/lower_products.h"
#include "simd/philox.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

constexpr int kPhiloxBlocks = 16;  // that are computed together

// The words of 16 blocks from `first` on, in their order. A word is the lower half of a lane, whose upper half is left
// to itself until the end.
PT_FN void philox_words(const PhiloxKey& k, uint64_t first, int64_t* words) {
  using nat = native<int64_t>;
  constexpr int kParts = kPhiloxBlocks / nat::lanes;
  typename nat::reg c0[kParts], c1[kParts], c2[kParts], c3[kParts];
  for (int p = 0; p < kParts; ++p) {
    int64_t block[nat::lanes];
    for (int i = 0; i < nat::lanes; ++i) block[i] = int64_t(first + uint64_t(p * nat::lanes + i));
    c0[p] = nat::load(block);
    c1[p] = nat::bit_or(nat::shift_right(c0[p], 32), nat::fill(k.call_high));
    c2[p] = nat::fill(k.call_low);
    c3[p] = nat::fill(k.stream);
  }
  const auto even = nat::fill(kPhiloxEven), odd = nat::fill(kPhiloxOdd);
  uint32_t key0 = k.key[0], key1 = k.key[1];
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const auto first_key = nat::fill(key0), second_key = nat::fill(key1);
    PT_UNROLL for (int p = 0; p < kParts; ++p) {
      const auto product0 = multiply_lower(c0[p], even), product1 = multiply_lower(c2[p], odd);
      c0[p] = nat::bit_xor(nat::bit_xor(nat::shift_right(product1, 32), c1[p]), first_key);
      c2[p] = nat::bit_xor(nat::bit_xor(nat::shift_right(product0, 32), c3[p]), second_key);
      c1[p] = product1;
      c3[p] = product0;
    }
    key0 += kPhiloxFirstStep;
    key1 += kPhiloxSecondStep;
  }
  int64_t halves[2][kPhiloxBlocks];
  const auto joined = [](auto low, auto high) {
    return nat::bit_or(nat::bit_and(low, nat::fill(0xffffffff)), nat::shift_left(high, 32));
  };
  PT_UNROLL for (int p = 0; p < kParts; ++p) {
    nat::store(halves[0] + p * nat::lanes, joined(c0[p], c1[p]));
    nat::store(halves[1] + p * nat::lanes, joined(c2[p], c3[p]));
  }
  for (int i = 0; i < kPhiloxBlocks; ++i) {
    words[2 * i] = halves[0][i];
    words[2 * i + 1] = halves[1][i];
  }
}

// Those of the 16 blocks, as philox_float and philox_double have them.
PT_FN void uniform_block(const int64_t* words, float* values) {
  using whole = native<int32_t>;
  using real = native<float>;
  int32_t narrow[4 * kPhiloxBlocks];
  __builtin_memcpy(narrow, words, sizeof(narrow));
  for (int i = 0; i < 4 * kPhiloxBlocks; i += real::lanes) {
    const auto part = real::from_int(whole::shift_right(whole::load(narrow + i), 8));
    real::store(values + i, real::mul(part, real::fill(0x1p-24f)));
  }
}
PT_FN void uniform_block(const int64_t* words, double* values) {
  for (int i = 0; i < 2 * kPhiloxBlocks; ++i) values[i] = philox_double(uint64_t(words[i]));
}

// Elements [first, first + n) of the iteration space.
template <class T>
void uniform_run(const PhiloxKey& key, T* dst, int64_t first, int64_t n) {
  constexpr int64_t kOfBlock = 16 / sizeof(T), kRun = kOfBlock * kPhiloxBlocks;
  for (int64_t begin = first / kOfBlock * kOfBlock; begin < first + n; begin += kRun) {
    int64_t words[2 * kPhiloxBlocks];
    philox_words(key, uint64_t(begin / kOfBlock), words);
    T values[kRun];
    uniform_block(words, values);
    const int64_t from = begin < first ? first - begin : 0;
    const int64_t to = first + n - begin < kRun ? first + n - begin : kRun;
    __builtin_memcpy(dst + (begin + from - first), values + from, size_t(to - from) * sizeof(T));
  }
}

}  // namespace PT_ISA
}  // namespace pt
