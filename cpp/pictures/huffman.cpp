#include "pictures/huffman.h"

#include <algorithm>
#include <array>

namespace pt {
namespace {

constexpr int kMostBits = 15;

constexpr uint16_t kLeastLength[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr uint8_t kLengthExtra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr uint16_t kLeastDistance[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                       33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                       1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr int kEnd = 256, kFirstLength = 257, kLastLength = 285, kLastDistance = 29;

struct Form {
  int bits, entries;
};
constexpr Form form_of(Alphabet alphabet) {
  if (alphabet == Alphabet::kLengths) return {kLengthBits, kLengthEntries};
  if (alphabet == Alphabet::kDistances) return {kDistanceBits, kDistanceEntries};
  return {kCodeBits, 1 << kCodeBits};
}

constexpr uint32_t with_value(uint32_t value, uint32_t extra = 0) { return value << 16 | extra << 8; }

constexpr auto kLengthMeanings = [] {
  std::array<uint32_t, kLengthSymbols> made{};
  for (uint32_t symbol = 0; symbol < made.size(); ++symbol) {
    if (symbol < kEnd)
      made[symbol] = kLiteral | 1u << 24 | symbol << 8;
    else if (symbol == kEnd)
      made[symbol] = kSpecial | kEndOfBlock;
    else if (symbol > kLastLength)
      made[symbol] = kSpecial;
    else
      made[symbol] = with_value(kLeastLength[symbol - kFirstLength], kLengthExtra[symbol - kFirstLength]);
  }
  return made;
}();

constexpr auto kDistanceMeanings = [] {
  std::array<uint32_t, kDistanceSymbols> made{};
  for (uint32_t symbol = 0; symbol < made.size(); ++symbol)
    made[symbol] =
        symbol > kLastDistance ? kSpecial : with_value(kLeastDistance[symbol], symbol < 4 ? 0 : symbol / 2 - 1);
  return made;
}();

uint32_t meaning(Alphabet alphabet, uint32_t symbol) {
  if (alphabet == Alphabet::kLengths) return kLengthMeanings[symbol];
  return alphabet == Alphabet::kDistances ? kDistanceMeanings[symbol] : with_value(symbol);
}

// The next code of `bits` bits in canonical order, as it stands in the stream: its first bit is the lowest.
uint32_t after(uint32_t code, int bits) {
  uint32_t bit = 1u << (bits - 1);
  while (code & bit) bit >>= 1;
  return bit ? (code & (bit - 1)) | bit : 0;
}

// With how many bits the table of codes is looked into that are longer than `first` bits and begin alike; the next of
// them has `length` bits, and `left` says how many of each length there are still.
int more_bits(int length, int first, const std::array<int, kMostBits + 1>& left) {
  int bits = length - first, room = 1 << bits;
  while (first + bits < kMostBits && (room -= left[static_cast<std::size_t>(first + bits)]) > 0) {
    ++bits;
    room <<= 1;
  }
  return bits;
}

// Where the bits of a look-up hold a second literal too, both are taken at once. From the end on, since a second entry
// is one of those before, and must be of a single literal still.
void pair_literals(uint32_t* table, int width) {
  for (uint32_t index = 1u << width; index-- > 0;) {
    const uint32_t entry = table[index], bits = bits_of(entry);
    if (!(entry & kLiteral)) continue;
    const uint32_t second = table[index >> bits];
    if (!(second & kLiteral) || bits + bits_of(second) > static_cast<uint32_t>(width)) continue;
    table[index] = kLiteral | 2u << 24 | (second & 0xFF00) << 8 | (entry & 0xFF00) | (bits + bits_of(second));
  }
}

}  // namespace

bool make_table(Alphabet alphabet, const uint8_t* lengths, int symbols, uint32_t* table) {
  std::array<int, kMostBits + 1> left{}, begin{};
  for (int symbol = 0; symbol < symbols; ++symbol) ++left[lengths[symbol]];
  const int used = symbols - left[0];
  left[0] = 0;
  int room = 1;
  for (std::size_t bits = 1; bits <= kMostBits; ++bits) {
    room = 2 * room - left[bits];
    if (room < 0) return false;
    if (bits < kMostBits) begin[bits + 1] = begin[bits] + left[bits];
  }
  const auto [first, entries] = form_of(alphabet);
  const bool one_distance = alphabet == Alphabet::kDistances && (used == 0 || (used == 1 && left[1] == 1));
  if (room > 0 && !one_distance) return false;
  if (room > 0) std::fill_n(table, 1 << first, kSpecial);

  std::array<uint16_t, kLengthSymbols> sorted;
  for (int symbol = 0; symbol < symbols; ++symbol)
    if (lengths[symbol]) sorted[static_cast<std::size_t>(begin[lengths[symbol]]++)] = static_cast<uint16_t>(symbol);

  uint32_t code = 0, prefix = ~0u;  // prefix: how the codes in the table of longer ones begin
  uint32_t* longer = table;         // that table, which is looked into with longer_bits
  int longer_bits = 0, next = 1 << first;
  for (int at = 0; at < used; ++at) {
    const uint32_t symbol = sorted[static_cast<std::size_t>(at)];
    const int length = lengths[symbol];
    const uint32_t entry = meaning(alphabet, symbol);
    if (length <= first) {
      for (uint32_t i = code; i < 1u << first; i += 1u << length) table[i] = entry | static_cast<uint32_t>(length);
    } else {
      const uint32_t low = code & ((1u << first) - 1);
      if (low != prefix) {
        prefix = low;
        longer_bits = more_bits(length, first, left);
        if (next + (1 << longer_bits) > entries) return false;
        longer = table + next;
        table[low] = kSpecial | kLonger | with_value(static_cast<uint32_t>(next), static_cast<uint32_t>(longer_bits)) |
                     static_cast<uint32_t>(first);
        next += 1 << longer_bits;
      }
      for (uint32_t i = code >> first; i < 1u << longer_bits; i += 1u << (length - first))
        longer[i] = entry | static_cast<uint32_t>(length - first);
    }
    --left[static_cast<std::size_t>(length)];
    if (at + 1 < used) {
      code = after(code, length);
    }
  }
  if (alphabet == Alphabet::kLengths) pair_literals(table, first);
  return true;
}

}  // namespace pt
