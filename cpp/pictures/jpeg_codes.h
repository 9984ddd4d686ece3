// The packed numbers of a JPEG file: Huffman codes, each followed by the bits of a number.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pictures/jpeg_markers.h"

namespace pt {

// Bits are read past the end of what is packed by less than this, which is checked after each block.
constexpr std::size_t kJpegSlack = 320;

// An entry says what one or two codes and the numbers behind them mean. Bits 0 to 7: how many bits all of it takes; 8
// to 15: those of the first code and number. 16 to 23: how many places the first goes on, 24 to 31: all of them. 32 to
// 47: the first number; 48 to 63: the second one. Of a single code both are alike.
class JpegTable {
 public:
  static constexpr uint64_t kNoCode = 1 | 1 << 8 | 64 << 16 | 64 << 24;  // further than a block goes, and no end of one

  // False if these are no codes, or have meanings that are not usual. `first`: for the first number of a block, always
  // the same of a table. Quick for the codes that it was made for before.
  bool make(const JpegCodes& codes, bool first);

  // For the bits that come next, the first of them highest.
  uint64_t look_up(uint64_t bits) const {
    const uint64_t entry = short_[bits >> (64 - kBits)];
    return (entry & 0xFF) != 0 ? entry : look_up_longer(bits);
  }

 private:
  static constexpr uint32_t kBits = 10;
  static constexpr int kMostBits = 16;
  void pair_up();
  uint64_t look_up_longer(uint64_t bits) const;

  uint64_t short_[1 << kBits];     // 0: the code is longer; with bits 0 to 31 0: its number is, and this is its meaning
  uint32_t meanings_[256];         // of the codes in their order
  uint32_t end_[kMostBits + 1];    // the code after the last one of that many bits, as the highest of 16 bits
  int32_t before_[kMostBits + 1];  // from such a code, as a number, to its meaning
  bool is_made_ = false;
  uint8_t lengths_[kMostBits], symbols_[256];  // what it was made of
};

struct JpegTables {
  JpegTable of[2][4];  // as JpegPicture::codes
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
  const uint8_t *at_, *end_;
  uint64_t held_ = 0;
  uint32_t count_ = 0;
};

}  // namespace pt
