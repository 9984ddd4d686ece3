// 64 bits are held in a word, which one load fills up, as in inflate.cpp. Each look-up has to wait for the one before,
// so what counts is how few there are: most give all that two codes say, and the numbers behind them.
#include "pictures/jpeg_codes.h"

#include <array>
#include <bit>
#include <cstring>
#include <numeric>

namespace pt {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kBlockNumbers = 64, kEndOfBlock = 128;  // further than any other code goes on
// Of usual pictures; of more bits the numbers would not fit into what the transform computes with.
constexpr int kMostFirstBits = 11, kMostOtherBits = 10;

// Places of the file's order. Codes that go on past the end write to the first one, which is written last.
constexpr auto kPlaces = [] {
  std::array<uint8_t, 2 * kEndOfBlock> made{};
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = i < kBlockNumbers ? kJpegPlaces[i] : 0;
  return made;
}();

// A meaning: bits 0 to 7 how many bits code and number take, 8 to 15 those of the code, 16 to 23 those of the number;
// 24 to 31 how many places to go on.
inline uint32_t size_of(uint32_t meaning) { return meaning >> 16 & 0xFF; }

// The number behind a code: one that begins with a 0 is negative, and less by all ones than its bits say.
inline int number_of(uint32_t meaning, uint64_t bits) {
  const uint32_t size = size_of(meaning);
  const uint64_t behind = bits << (meaning >> 8 & 0xFF);
  const auto number = static_cast<int>(behind >> 1 >> (63 - size));
  return behind >> 63 ? number : number - (1 << size) + 1;
}

// Of one code and its number.
inline uint64_t entry_of(uint32_t meaning, uint64_t bits) {
  const uint64_t used = meaning & 0xFF, places = meaning >> 24;
  const auto number = static_cast<uint16_t>(number_of(meaning, bits));
  return used | used << 8 | places << 16 | places << 24 | uint64_t{number} << 32 | uint64_t{number} << 48;
}

}  // namespace

bool JpegTable::make(const JpegCodes& codes, bool first) {
  const std::size_t count = std::accumulate(codes.lengths, codes.lengths + kMostBits, std::size_t{0});
  if (is_made_ && std::memcmp(lengths_, codes.lengths, kMostBits) == 0 &&
      std::memcmp(symbols_, codes.symbols, count) == 0)
    return true;
  is_made_ = false;
  std::memset(short_, 0, sizeof short_);
  uint32_t code = 0, index = 0;
  for (int bits = 1; bits <= kMostBits; ++bits, code <<= 1) {
    before_[bits] = static_cast<int32_t>(index) - static_cast<int32_t>(code);
    for (int i = 0; i < codes.lengths[bits - 1]; ++i, ++code, ++index) {
      const uint32_t symbol = codes.symbols[index], size = symbol & 15, run = symbol >> 4;
      if (static_cast<int>(size) > (first ? kMostFirstBits : kMostOtherBits) || (first && run)) return false;
      if (size == 0 && run != 0 && run != 15) return false;
      const uint32_t go_on = first ? 0 : symbol == 0 ? kEndOfBlock : run + 1;
      const uint32_t used = static_cast<uint32_t>(bits) + size;
      const uint32_t meaning = go_on << 24 | size << 16 | static_cast<uint32_t>(bits) << 8 | used;
      meanings_[index] = meaning;
      if (bits > kBits) continue;
      const uint32_t begin = code << (kBits - bits), end = begin + (1u << (kBits - bits));
      if (end > 1u << kBits) return false;
      for (uint32_t at = begin; at < end; ++at)
        short_[at] = used > kBits ? uint64_t{meaning} << 32 : entry_of(meaning, uint64_t{at} << (64 - kBits));
    }
    if (code >= 1u << bits) return false;  // of ones alone, which no code may have, or of more bits
    end_[bits] = code << (kMostBits - bits);
  }
  if (!first) pair_up();
  std::memcpy(lengths_, codes.lengths, kMostBits);
  std::memcpy(symbols_, codes.symbols, count);
  is_made_ = true;
  return true;
}

// Adds the second code to those entries whose bits hold all of it.
void JpegTable::pair_up() {
  for (uint32_t at = 0; at < 1u << kBits; ++at) {
    const uint64_t one = short_[at];
    const uint32_t used = one & 0xFF, places = one >> 16 & 0xFF;
    // What stands first in an entry stays as it is, so it does not matter whether the other has its second code.
    const uint64_t other = short_[at << used & ((1u << kBits) - 1)];
    const uint32_t both = used + (other >> 8 & 0xFF), go_on = places + (other >> 16 & 0xFF);
    if (used == 0 || places == kEndOfBlock || (other & 0xFF) == 0 || both > kBits) continue;
    short_[at] = (one & 0xFFFF00FFFF00) | both | uint64_t{go_on} << 24 | (other >> 32 & 0xFFFF) << 48;
  }
}

uint64_t JpegTable::look_up_longer(uint64_t bits) const {
  const uint64_t entry = short_[bits >> (64 - kBits)];
  if (entry) return entry_of(static_cast<uint32_t>(entry >> 32), bits);
  const auto next = static_cast<uint32_t>(bits >> (64 - kMostBits));
  for (int length = kBits + 1; length <= kMostBits; ++length)
    if (next < end_[length])
      return entry_of(meanings_[before_[length] + static_cast<int32_t>(next >> (kMostBits - length))], bits);
  return kNoCode;
}

bool JpegBlocks::read(const JpegTable& first, const JpegTable& others, int& previous, int16_t* block, uint8_t& any) {
  const uint8_t* at = at_;
  uint64_t held = held_;
  uint32_t count = count_, k = 0;
  const auto refill = [&] {  // at least 56 bits from here on
    uint64_t more;
    std::memcpy(&more, at, 8);
    held |= __builtin_bswap64(more) >> count;
    at += (63 - count) >> 3;
    count |= 56;
  };
  const auto drop = [&](uint32_t bits) {
    held <<= bits;
    count -= bits;
  };
  const auto read_entry = [&] {  // false: it was the last one
    const uint64_t entry = others.look_up(held);
    const uint32_t then = k + (entry >> 16 & 0xFF);
    block[kPlaces[then]] = static_cast<int16_t>(entry >> 32);
    if (then >= kBlockNumbers - 1) {  // what comes next, which the entry may have, is of the next block
      k = then;
      drop(entry >> 8 & 0xFF);
      return false;
    }
    k += entry >> 24 & 0xFF;
    block[kPlaces[k]] = static_cast<int16_t>(entry >> 48);
    drop(entry & 0xFF);
    return k < kBlockNumbers - 1;
  };
  refill();
  const uint64_t entry = first.look_up(held);
  if (entry == JpegTable::kNoCode) return false;
  drop(entry & 0xFF);
  previous += static_cast<int16_t>(entry >> 32);
  if (previous != static_cast<int16_t>(previous)) return false;
  while (read_entry()) {  // two entries, of at most 16 + 10 bits, for each load; the first one of a block had one more
    refill();
    if (!read_entry()) break;
  }
  block[0] = static_cast<int16_t>(previous);
  any = k != kEndOfBlock;
  at_ = at;
  held_ = held;
  count_ = count;
  return (k == kBlockNumbers - 1 || k >= kEndOfBlock) && at - (count >> 3) <= end_;
}

}  // namespace pt
