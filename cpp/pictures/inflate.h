// Unpacks a zlib stream whose size is known before, as those of PNG files are.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt {

// Both sides are read and written past their ends by less than this, which is checked afterwards: so the loop over the
// symbols has no tail.
constexpr std::size_t kInflateSlack = 320;

// Whether `packed` is one whole zlib stream without a dictionary that unpacks to exactly `size` bytes, with the right
// check sum. `packed` can be read, and `out` written, kInflateSlack bytes past their ends. Codes that leave bits
// without a meaning are refused, but for distance codes of one symbol or none.
bool inflate_zlib(const uint8_t* packed, std::size_t packed_size, uint8_t* out, std::size_t size);

}  // namespace pt
