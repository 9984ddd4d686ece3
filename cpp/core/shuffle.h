// Random orders of rows, as functions of a seed: the order that sorts random words.
#pragma once
#include <cstdint>

namespace pt {

// `count` words as NumPy's Philox gives them: 4x64-10 with the key (seed, stream), counting from (0, call).
void random_words(uint64_t seed, uint64_t stream, uint64_t call, uint64_t* words, int64_t count);

// The stable order that sorts words. It takes a time that grows with their number alone where they are random.
void sorting_order(const uint64_t* words, int64_t* order, int64_t count);

}  // namespace pt
