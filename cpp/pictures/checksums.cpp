#include "pictures/checksums.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace pt {
namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: what byte b contributes with k bytes behind it.
Tables crc_tables() {
  Tables made{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0);
    made[0][byte] = crc;
  }
  for (std::size_t k = 1; k < made.size(); ++k)
    for (uint32_t byte = 0; byte < 256; ++byte)
      made[k][byte] = (made[k - 1][byte] >> 8) ^ made[0][made[k - 1][byte] & 0xFF];
  return made;
}

constexpr uint32_t kAdlerModulus = 65521;
constexpr std::size_t kAdlerRun = 5536;  // bytes before a 32-bit sum could overflow, in whole pieces
constexpr std::size_t kAdlerPiece = 16;

}  // namespace

// Eight bytes at a time, so that their look-ups do not wait for each other.
uint32_t crc32_of(const uint8_t* bytes, std::size_t count) {
  static const Tables crcs = crc_tables();  // at run time, since its 8 KB would not pack
  uint32_t crc = 0xFFFFFFFFu;
  for (; count >= 8; count -= 8, bytes += 8) {
    uint32_t low, high;
    std::memcpy(&low, bytes, 4);
    std::memcpy(&high, bytes + 4, 4);
    low ^= crc;
    crc = crcs[7][low & 0xFF] ^ crcs[6][(low >> 8) & 0xFF] ^ crcs[5][(low >> 16) & 0xFF] ^ crcs[4][low >> 24] ^
          crcs[3][high & 0xFF] ^ crcs[2][(high >> 8) & 0xFF] ^ crcs[1][(high >> 16) & 0xFF] ^ crcs[0][high >> 24];
  }
  for (; count > 0; --count, ++bytes) crc = (crc >> 8) ^ crcs[0][(crc ^ *bytes) & 0xFF];
  return ~crc;
}

uint32_t adler32_of(const uint8_t* bytes, std::size_t count) {
  uint32_t sum = 1, sums = 0;
  while (count > 0) {
    std::size_t run = std::min(count, kAdlerRun);
    count -= run;
    for (; run >= kAdlerPiece; run -= kAdlerPiece, bytes += kAdlerPiece) {
      uint32_t piece = 0, weighted = 0;
      for (std::size_t i = 0; i < kAdlerPiece; ++i) {
        piece += bytes[i];
        weighted += static_cast<uint32_t>(kAdlerPiece - i) * bytes[i];
      }
      sums += static_cast<uint32_t>(kAdlerPiece) * sum + weighted;
      sum += piece;
    }
    for (; run > 0; --run, ++bytes) {
      sum += *bytes;
      sums += sum;
    }
    sum %= kAdlerModulus;
    sums %= kAdlerModulus;
  }
  return (sums << 16) | sum;
}

}  // namespace pt
