// The packed numbers of a JPEG file: Huffman codes, each followed by the bits of a number.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pictures/jpeg_markers.h"

namespace pt {

// Bits are read past the end of what is packed by less than this, which is checked after each block.
constexpr std::size_t kJpegSlack = 320;

// An entry of a table says what a code means. Bits 0 to 7: how many bits the code and its number take; 8 to 15: how
// many of them the code takes; 16 to 23: those of the number; 24 to 31: how many places to go on. 0: the code is
// longer.
class JpegTable {
 public:
  // False if these are no codes, or have meanings that are not usual. `first`: for the first number of a block.
  bool make(const JpegCodes& codes, bool first);

  // For the bits that come next, the first of them highest; 0 where they are no code.
  uint32_t look_up(uint64_t bits) const {
    const uint32_t entry = short_[bits >> (64 - kBits)];
    return entry ? entry : look_up_longer(bits);
  }

 private:
  static constexpr int kBits = 10, kMostBits = 16;
  uint32_t look_up_longer(uint64_t bits) const;

  uint32_t short_[1 << kBits];
  uint32_t meanings_[256];         // of the codes in their order
  uint32_t end_[kMostBits + 1];    // the code after the last one of that many bits, as the highest of 16 bits
  int32_t before_[kMostBits + 1];  // from such a code, as a number, to its meaning
};

// Reads blocks of 64 numbers from one stretch of a scan, whose stuffing was taken out.
class JpegBlocks {
 public:
  JpegBlocks(const uint8_t* begin, const uint8_t* end) : at_(begin), end_(end) {}

  // Adds to `previous`, and writes the numbers at their places of a block of zeros. `any`: 0 if there is but the first.
  // False for what is not sound.
  bool read(const JpegTable& first, const JpegTable& others, int& previous, int16_t* block, uint8_t& any);

  // Whether all bytes were used, and no more.
  bool at_end() const { return at_ - (count_ >> 3) == end_; }

 private:
  void refill();
  int take(uint32_t entry);

  const uint8_t *at_, *end_;
  uint64_t held_ = 0;
  uint32_t count_ = 0;
};

}  // namespace pt
