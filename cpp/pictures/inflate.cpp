// The idea is libdeflate's: 64 bits of the stream are held in a word, which one load fills up; a look-up in a table
// gives a literal or a length with how many bits it took; and both buffers have slack, so that nothing is checked for
// each symbol but whether the loop is still inside.
#include "pictures/inflate.h"

#include <bit>
#include <cstring>

#include "pictures/checksums.h"
#include "pictures/huffman.h"

namespace pt {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Tables {
  uint32_t lengths[kLengthEntries];
  uint32_t distances[kDistanceEntries];
};

// The bits of the stream, the next one lowest. Past the end they are whatever lies there.
class Bits {
 public:
  Bits(const uint8_t* begin, const uint8_t* end) : at_(begin), end_(end) {}

  // At least 56 bits from here on.
  void refill() {
    uint64_t more;
    std::memcpy(&more, at_, 8);
    held_ |= more << count_;
    at_ += (63 - count_) >> 3;
    count_ |= 56;
  }
  uint32_t peek(uint32_t count) const { return static_cast<uint32_t>(held_) & ((1u << count) - 1); }
  void drop(uint32_t count) {
    held_ >>= count;
    count_ -= count;
  }
  uint32_t take(uint32_t count) {
    const uint32_t found = peek(count);
    drop(count);
    return found;
  }
  // Whether what was taken lay in the stream.
  bool inside() const { return at_ - (count_ >> 3) <= end_; }
  // The byte after the one that was begun, to which the bits go on; only while inside.
  const uint8_t* next_byte() const { return at_ - (count_ >> 3); }
  void go_to(const uint8_t* byte) {
    at_ = byte;
    held_ = 0;
    count_ = 0;
  }
  const uint8_t* end() const { return end_; }

 private:
  const uint8_t *at_, *end_;
  uint64_t held_ = 0;
  uint32_t count_ = 0;
};

struct Output {
  uint8_t *begin, *at, *end;
};

bool fixed_tables(Tables& tables) {
  uint8_t lengths[kLengthSymbols], distances[kDistanceSymbols];
  for (int i = 0; i < kLengthSymbols; ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  std::memset(distances, 5, sizeof distances);
  return make_table(Alphabet::kLengths, lengths, kLengthSymbols, tables.lengths) &&
         make_table(Alphabet::kDistances, distances, kDistanceSymbols, tables.distances);
}

// The code lengths of a block, themselves written in a code with repetitions.
bool dynamic_tables(Bits& bits, Tables& tables) {
  static constexpr uint8_t kOrder[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  static constexpr int kMostLengths = 286, kMostDistances = 30, kEndOfBlockSymbol = 256;
  bits.refill();
  const int n_lengths = static_cast<int>(bits.take(5)) + 257, n_distances = static_cast<int>(bits.take(5)) + 1;
  const uint32_t n_codes = bits.take(4) + 4;
  if (n_lengths > kMostLengths || n_distances > kMostDistances) return false;
  uint8_t code_lengths[sizeof kOrder] = {};
  for (uint32_t i = 0; i < n_codes; ++i) {
    if (i % 14 == 0) bits.refill();
    code_lengths[kOrder[i]] = static_cast<uint8_t>(bits.take(3));
  }
  uint32_t codes[1 << kCodeBits];
  if (!make_table(Alphabet::kCodes, code_lengths, sizeof kOrder, codes)) return false;

  uint8_t lengths[kMostLengths + kMostDistances];
  const int total = n_lengths + n_distances;
  for (int at = 0; at < total;) {
    bits.refill();
    if (!bits.inside()) return false;
    const uint32_t entry = codes[bits.peek(kCodeBits)], symbol = value_of(entry);
    bits.drop(bits_of(entry));
    if (symbol < 16) {
      lengths[at++] = static_cast<uint8_t>(symbol);
      continue;
    }
    if (symbol == 16 && at == 0) return false;
    const uint8_t repeated = symbol == 16 ? lengths[at - 1] : 0;
    const uint32_t times = symbol == 16 ? 3 + bits.take(2) : symbol == 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (static_cast<int>(times) > total - at) return false;
    std::memset(lengths + at, repeated, times);
    at += static_cast<int>(times);
  }
  return lengths[kEndOfBlockSymbol] != 0 && make_table(Alphabet::kLengths, lengths, n_lengths, tables.lengths) &&
         make_table(Alphabet::kDistances, lengths + n_lengths, n_distances, tables.distances);
}

bool copy_stored(Bits& bits, Output& out) {
  bits.refill();
  if (!bits.inside()) return false;
  const uint8_t* at = bits.next_byte();
  if (bits.end() - at < 4) return false;
  const uint32_t size = at[0] | at[1] << 8, inverted = at[2] | at[3] << 8;
  at += 4;
  if ((size ^ inverted) != 0xFFFF || bits.end() - at < size || out.end - out.at < size) return false;
  std::memcpy(out.at, at, size);
  out.at += size;
  bits.go_to(at + size);
  return true;
}

// Writes up to 15 bytes more than `length`.
inline void copy_match(uint8_t* out, uint32_t distance, uint32_t length) {
  const uint8_t *from = out - distance, *end = out + length;
  if (distance >= 16) {
    do {
      std::memcpy(out, from, 16);
      out += 16;
      from += 16;
    } while (out < end);
  } else if (distance >= 8) {
    do {
      std::memcpy(out, from, 8);
      out += 8;
      from += 8;
    } while (out < end);
  } else if (distance == 1) {
    std::memset(out, *from, length);
  } else {
    do *out++ = *from++;
    while (out < end);
  }
}

// The entry behind one that says that the code is longer than the table is wide.
inline uint32_t looked_further(Bits& bits, const uint32_t* table, uint32_t entry) {
  entry = table[value_of(entry) + bits.peek(extra_of(entry))];
  bits.drop(bits_of(entry));
  return entry;
}

inline uint32_t looked_up(Bits& bits, const uint32_t* table, uint32_t width) {
  const uint32_t entry = table[bits.peek(width)];
  bits.drop(bits_of(entry));
  return entry;
}

inline bool is_longer(uint32_t entry) { return (entry & (kLiteral | kSpecial | kLonger)) == (kSpecial | kLonger); }

inline void put_literals(Output& out, uint32_t entry) {
  const auto both = static_cast<uint16_t>(entry >> 8);
  std::memcpy(out.at, &both, sizeof both);
  out.at += literals_of(entry);
}

// A round takes at most two look-ups of 10 bits and 15 + 5 of a length from the first 56 bits, and 15 + 13 of a
// distance from the next. It writes at most 4 + 258 + 15 bytes. The slack of both sides holds that.
bool unpack_codes(Bits& bits, const Tables& tables, Output& out) {
  while (out.at <= out.end && bits.inside()) {
    bits.refill();
    uint32_t entry = looked_up(bits, tables.lengths, kLengthBits);
    if (entry & kLiteral) {
      put_literals(out, entry);
      entry = looked_up(bits, tables.lengths, kLengthBits);
      if (entry & kLiteral) {
        put_literals(out, entry);
        entry = looked_up(bits, tables.lengths, kLengthBits);
        if (entry & kLiteral) {
          put_literals(out, entry);
          continue;
        }
      }
    }
    if (entry & kSpecial) [[unlikely]] {
      if (is_longer(entry)) entry = looked_further(bits, tables.lengths, entry);
      if (entry & kLiteral) {
        put_literals(out, entry);
        continue;
      }
      if (entry & kSpecial) return entry & kEndOfBlock;
    }
    const uint32_t length = value_of(entry) + bits.take(extra_of(entry));
    bits.refill();
    entry = looked_up(bits, tables.distances, kDistanceBits);
    if (is_longer(entry)) [[unlikely]]
      entry = looked_further(bits, tables.distances, entry);
    if (entry & kSpecial) [[unlikely]]
      return false;
    const uint32_t distance = value_of(entry) + bits.take(extra_of(entry));
    if (distance > static_cast<uint64_t>(out.at - out.begin)) [[unlikely]]
      return false;
    copy_match(out.at, distance, length);
    out.at += length;
  }
  return false;
}

bool unpack_blocks(Bits& bits, Output& out) {
  Tables tables;
  for (bool last = false; !last;) {
    bits.refill();
    if (!bits.inside()) return false;
    last = bits.take(1);
    const uint32_t kind = bits.take(2);
    bool good = false;
    if (kind == 0) good = copy_stored(bits, out);
    if (kind == 1) good = fixed_tables(tables) && unpack_codes(bits, tables, out);
    if (kind == 2) good = dynamic_tables(bits, tables) && unpack_codes(bits, tables, out);
    if (!good || out.at > out.end || !bits.inside()) return false;
  }
  return true;
}

}  // namespace

bool inflate_zlib(const uint8_t* packed, std::size_t packed_size, uint8_t* out, std::size_t size) {
  static constexpr std::size_t kHead = 2, kTrailer = 4;
  if (packed_size < kHead + kTrailer) return false;
  const uint32_t method = packed[0], flags = packed[1];
  const bool deflate = (method & 0xF) == 8 && method >> 4 <= 7, dictionary = flags & 0x20;
  if (!deflate || dictionary || (method << 8 | flags) % 31 != 0) return false;
  Bits bits(packed + kHead, packed + packed_size);
  Output output{out, out, out + size};
  if (!unpack_blocks(bits, output) || output.at != output.end) return false;
  const uint8_t* trailer = bits.next_byte();
  if (packed + packed_size - trailer != kTrailer) return false;
  const uint32_t stated = static_cast<uint32_t>(trailer[0]) << 24 | trailer[1] << 16 | trailer[2] << 8 | trailer[3];
  return adler32_of(out, size) == stated;
}

}  // namespace pt
