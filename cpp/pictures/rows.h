// Rows of a PNG file: from bytes that are unpacked to pixels.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pictures/png.h"

namespace pt {

std::size_t row_bytes_of(const PngHeader& header);

// Undoes a row's filter in place. `above` is the row before as it was restored, zeros for the first. A whole pixel past
// the end of both can be read. False: there is no such filter.
bool unfilter(int filter, const PngHeader& header, uint8_t* row, const uint8_t* above);

// What each value of a sample stands for, where it is an index or has less than 8 bits.
struct PixelTable {
  int entries = 0;
  uint8_t rgb[256][3] = {};
  uint8_t grey[256] = {};
};
void set_palette(PixelTable& table, const uint8_t* rgb, int entries);
void set_grey_levels(PixelTable& table, int depth);

// Writes a row of pixels with 3 channels (RGB) or 1 (grey). False: an index without a colour.
bool write_pixels(const PngHeader& header, const PixelTable& table, const uint8_t* row, int channels, uint8_t* out);

}  // namespace pt
