// Random words are spread evenly, so that buckets by their leading bits hold about as many each. To count, to put in
// place and to order within each takes a few nanoseconds per word, where sorting any numbers takes log n comparisons
// that no processor foresees. Rows are moved, not words: what is held besides words and rows is a quarter of their
// size.
//
// Source    Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3" (Philox)
#include "core/shuffle.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace pt {
namespace {

constexpr int kRounds = 10;
constexpr int kBucketBits = 2;        // a bucket has 4 words on average
constexpr int64_t kShortBucket = 32;  // up to so many are put in order one by one

struct Counter {
  uint64_t word[4];
};

void multiply(uint64_t a, uint64_t b, uint64_t& high, uint64_t& low) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  high = static_cast<uint64_t>(product >> 64);
  low = static_cast<uint64_t>(product);
}

Counter philox(Counter c, uint64_t key0, uint64_t key1) {
  for (int round = 0; round < kRounds; ++round) {
    uint64_t high0, low0, high1, low1;
    multiply(0xD2E7470EE14C6C93u, c.word[0], high0, low0);
    multiply(0xCA5A826395121157u, c.word[2], high1, low1);
    c = {{high1 ^ c.word[1] ^ key0, low1, high0 ^ c.word[3] ^ key1, low0}};
    key0 += 0x9E3779B97F4A7C15u;
    key1 += 0xBB67AE8584CAA73Bu;
  }
  return c;
}

// The rows of a bucket, stably. Only words that are not random make it long.
void sort_bucket(const uint64_t* words, int64_t* begin, int64_t* end) {
  if (end - begin > kShortBucket) {
    std::stable_sort(begin, end, [words](int64_t a, int64_t b) { return words[a] < words[b]; });
    return;
  }
  for (int64_t* at = begin + 1; at < end; ++at) {
    const int64_t moved = *at;
    int64_t* to = at;
    for (; to > begin && words[moved] < words[*(to - 1)]; --to) *to = *(to - 1);
    *to = moved;
  }
}

}  // namespace

void random_words(uint64_t seed, uint64_t stream, uint64_t call, uint64_t* words, int64_t count) {
  for (int64_t at = 0; at < count; at += 4) {
    // NumPy counts before it computes: its first block is number 1.
    const Counter made = philox({{static_cast<uint64_t>(at / 4) + 1, call, 0, 0}}, seed, stream);
    std::copy_n(made.word, std::min<int64_t>(4, count - at), words + at);
  }
}

void sorting_order(const uint64_t* words, int64_t* order, int64_t count) {
  // As many buckets as a power of two, and one at least: 64 bits cannot be shifted by 64.
  const int bits = std::max(1, static_cast<int>(std::bit_width(static_cast<uint64_t>(count))) - kBucketBits);
  const int shift = 64 - bits;
  std::vector<int64_t> ends((size_t{1} << bits) + 1);
  for (int64_t i = 0; i < count; ++i) ++ends[(words[i] >> shift) + 1];
  for (size_t bucket = 1; bucket < ends.size(); ++bucket) ends[bucket] += ends[bucket - 1];
  for (int64_t i = 0; i < count; ++i) order[ends[words[i] >> shift]++] = i;
  int64_t begin = 0;  // each entry of `ends` has moved to the end of its bucket
  for (size_t bucket = 0; bucket + 1 < ends.size(); ++bucket) {
    const int64_t end = ends[bucket];
    if (end - begin > 1) sort_bucket(words, order + begin, order + end);
    begin = end;
  }
}

}  // namespace pt
