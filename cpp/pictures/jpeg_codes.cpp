// 64 bits are held in a word, which one load fills up, as in inflate.cpp. A look-up gives all that a code says; its
// number is made without a branch, since branches on such bits are guessed wrong as often as not.
#include "pictures/jpeg_codes.h"

#include <array>
#include <bit>
#include <cstring>

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

}  // namespace

bool JpegTable::make(const JpegCodes& codes, bool first) {
  std::memset(short_, 0, sizeof short_);
  uint32_t code = 0, index = 0;
  for (int bits = 1; bits <= kMostBits; ++bits, code <<= 1) {
    before_[bits] = static_cast<int32_t>(index) - static_cast<int32_t>(code);
    for (int i = 0; i < codes.lengths[bits - 1]; ++i, ++code, ++index) {
      const uint32_t symbol = codes.symbols[index], size = symbol & 15, run = symbol >> 4;
      if (static_cast<int>(size) > (first ? kMostFirstBits : kMostOtherBits) || (first && run)) return false;
      if (size == 0 && run != 0 && run != 15) return false;
      const uint32_t go_on = !first && symbol == 0 ? kEndOfBlock : run + 1;
      const uint32_t entry =
          go_on << 24 | size << 16 | static_cast<uint32_t>(bits) << 8 | (static_cast<uint32_t>(bits) + size);
      meanings_[index] = entry;
      if (bits > kBits) continue;
      const uint32_t begin = code << (kBits - bits), end = begin + (1u << (kBits - bits));
      if (end > 1u << kBits) return false;
      for (uint32_t at = begin; at < end; ++at) short_[at] = entry;
    }
    if (code >= 1u << bits) return false;  // of ones alone, which no code may have, or of more bits
    end_[bits] = code << (kMostBits - bits);
  }
  return true;
}

uint32_t JpegTable::look_up_longer(uint64_t bits) const {
  const auto next = static_cast<uint32_t>(bits >> (64 - kMostBits));
  for (int length = kBits + 1; length <= kMostBits; ++length)
    if (next < end_[length]) return meanings_[before_[length] + static_cast<int32_t>(next >> (kMostBits - length))];
  return 0;
}

// At least 56 bits from here on.
inline void JpegBlocks::refill() {
  uint64_t more;
  std::memcpy(&more, at_, 8);
  held_ |= __builtin_bswap64(more) >> count_;
  at_ += (63 - count_) >> 3;
  count_ |= 56;
}

// The number behind a code: one that begins with a 0 is negative, and less by all ones than its bits say.
inline int JpegBlocks::take(uint32_t entry) {
  const uint32_t size = (entry >> 16) & 15;
  const uint64_t behind = held_ << ((entry >> 8) & 0xFF);
  const auto bits = static_cast<int>(behind >> 1 >> (63 - size));
  const int ones = (1 << size) - 1, negative = static_cast<int>(~static_cast<int64_t>(behind) >> 63);
  held_ <<= entry & 0xFF;
  count_ -= entry & 0xFF;
  return bits - (negative & ones);
}

bool JpegBlocks::read(const JpegTable& first, const JpegTable& others, int& previous, int16_t* block, uint8_t& any) {
  refill();
  uint32_t entry = first.look_up(held_);
  if (!entry) return false;
  previous += take(entry);
  if (previous != static_cast<int16_t>(previous)) return false;
  uint32_t k = 0, used = 0;
  do {  // two numbers, of at most 16 + 10 bits, for each load; the first one of a block had one more
    entry = others.look_up(held_);
    if (!entry) return false;
    k += entry >> 24;
    used |= kPlaces[k];
    block[kPlaces[k]] = static_cast<int16_t>(take(entry));
    if (k >= kBlockNumbers - 1) break;
    refill();
    entry = others.look_up(held_);
    if (!entry) return false;
    k += entry >> 24;
    used |= kPlaces[k];
    block[kPlaces[k]] = static_cast<int16_t>(take(entry));
  } while (k < kBlockNumbers - 1);
  block[0] = static_cast<int16_t>(previous);
  any = static_cast<uint8_t>(used);
  return (k == kBlockNumbers - 1 || k >= kEndOfBlock) && at_ - (count_ >> 3) <= end_;
}

}  // namespace pt
