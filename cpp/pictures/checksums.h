// The check sums of PNG files and zlib streams.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt {

uint32_t crc32_of(const uint8_t* bytes, std::size_t count);
uint32_t adler32_of(const uint8_t* bytes, std::size_t count);

}  // namespace pt
