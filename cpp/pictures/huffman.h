// Tables that decode the Huffman codes of deflate.
#pragma once
#include <cstdint>

namespace pt {

// An entry of a table. Bits 0 to 7: how many bits of the stream this look-up takes.
//   literals     bits 8 to 15 and 16 to 23: one or two bytes; bits 24 and 25: how many; bit 31
//   a length or  bits 8 to 12: how many extra bits follow; bits 16 to 30: the least length or distance, or the symbol
//   a distance   of a code for code lengths
//   others       bit 15, and one of bits 13 and 14, or none where the bits have no meaning
constexpr uint32_t kLiteral = 1u << 31;
constexpr uint32_t kSpecial = 1u << 15;
constexpr uint32_t kEndOfBlock = 1u << 14;
constexpr uint32_t kLonger = 1u << 13;  // bits 16 to 30: where another table begins; bits 8 to 12: its width
inline uint32_t bits_of(uint32_t entry) { return entry & 0xFF; }
inline uint32_t extra_of(uint32_t entry) { return (entry >> 8) & 0x1F; }
inline uint32_t value_of(uint32_t entry) { return (entry >> 16) & 0x7FFF; }
inline uint32_t literals_of(uint32_t entry) { return (entry >> 24) & 3; }

constexpr int kLengthSymbols = 288, kDistanceSymbols = 32;
constexpr int kLengthBits = 10, kDistanceBits = 8, kCodeBits = 7;
// Codes of at most 15 bits need no more: 1,334 and 402 by zlib's program `enough`.
constexpr int kLengthEntries = 1408, kDistanceEntries = 448;

enum class Alphabet { kLengths, kDistances, kCodes };

// Fills the table for codes of these lengths (0: none) in canonical order; false if they are no code, or leave bits
// without a meaning. Of distances one code or none is allowed.
bool make_table(Alphabet alphabet, const uint8_t* lengths, int symbols, uint32_t* table);

}  // namespace pt
