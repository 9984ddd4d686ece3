#include "pictures/rows.h"

#include <algorithm>
#include <cstring>

namespace pt {
namespace {

int samples_of(int colour) {
  static constexpr int kSamples[] = {1, 0, 3, 1, 2, 0, 4};
  return kSamples[colour];
}

// ITU-R 601-2 luma as Pillow rounds it.
uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

// The samples of a pixel side by side, as what sums and differences of bytes need.
using Samples = int16_t __attribute__((vector_size(16)));
using Bytes = uint8_t __attribute__((vector_size(8)));

// Reads up to 4 bytes, also of a smaller pixel.
inline Samples load(const uint8_t* at) {
  Bytes bytes = {};
  std::memcpy(&bytes, at, 4);
  return __builtin_convertvector(bytes, Samples);
}

// Keeps the low bytes, and gives back what they are.
template <std::size_t kPixel>
inline Samples store(uint8_t* at, Samples samples) {
  const Bytes bytes = __builtin_convertvector(samples, Bytes);
  std::memcpy(at, &bytes, kPixel);
  return samples & 0xFF;
}

inline Samples magnitude(Samples x) { return x < 0 ? -x : x; }

// Whichever of left, above and above left is nearest to left + above - above left; of equals the first.
inline Samples paeth(Samples left, Samples above, Samples corner) {
  const Samples across = above - corner, down = left - corner;
  const Samples to_left = magnitude(across), to_above = magnitude(down), to_corner = magnitude(across + down);
  const Samples of_two = to_above <= to_corner ? above : corner;
  return (to_left <= to_above) & (to_left <= to_corner) ? left : of_two;
}

void add(uint8_t* __restrict row, const uint8_t* __restrict above, std::size_t count) {
  static constexpr std::size_t kPiece = 16;
  std::size_t x = 0;
  for (; x + kPiece <= count; x += kPiece)
    for (std::size_t i = 0; i < kPiece; ++i) row[x + i] = static_cast<uint8_t>(row[x + i] + above[x + i]);
  for (; x < count; ++x) row[x] = static_cast<uint8_t>(row[x] + above[x]);
}

// kPixel: the bytes of a pixel, over which a filter reaches to the left.
template <std::size_t kPixel>
bool unfilter_row(int filter, uint8_t* row, const uint8_t* above, std::size_t count) {
  Samples left = {}, corner = {};
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (std::size_t x = 0; x < count; x += kPixel) left = store<kPixel>(row + x, load(row + x) + left);
      return true;
    case 2:
      add(row, above, count);
      return true;
    case 3:
      for (std::size_t x = 0; x < count; x += kPixel)
        left = store<kPixel>(row + x, load(row + x) + ((left + load(above + x)) >> 1));
      return true;
    case 4:
      for (std::size_t x = 0; x < count; x += kPixel) {
        const Samples up = load(above + x);
        left = store<kPixel>(row + x, load(row + x) + paeth(left, up, corner));
        corner = up;
      }
      return true;
    default:
      return false;
  }
}

// Through a table, from samples of `depth` bits, the first of a byte highest.
bool write_looked_up(const PngHeader& header, const PixelTable& table, const uint8_t* row, int channels, uint8_t* out) {
  const uint32_t depth = static_cast<uint32_t>(header.depth), mask = (1u << depth) - 1;
  uint32_t largest = 0;
  for (uint32_t x = 0; x < header.width; ++x) {
    const std::size_t bit = static_cast<std::size_t>(x) * depth;
    const uint32_t sample = (row[bit / 8] >> (8 - depth - bit % 8)) & mask;
    largest = std::max(largest, sample);
    if (channels == 1) {
      *out++ = table.grey[sample];
    } else {
      std::memcpy(out, table.rgb[sample], 3);
      out += 3;
    }
  }
  return largest < static_cast<uint32_t>(table.entries);
}

// From samples of 8 bits: `step` for each pixel, of which alpha is left out.
void write_samples(const uint8_t* row, std::size_t step, std::size_t width, int channels, uint8_t* out) {
  const bool coloured = step >= 3;
  if (step == static_cast<std::size_t>(channels)) {
    std::memcpy(out, row, width * step);
  } else if (channels == 1) {
    for (std::size_t x = 0; x < width; ++x, row += step) out[x] = coloured ? luma(row) : row[0];
  } else {
    for (std::size_t x = 0; x < width; ++x, row += step, out += 3) {
      out[0] = row[0];
      out[1] = row[coloured ? 1 : 0];
      out[2] = row[coloured ? 2 : 0];
    }
  }
}

}  // namespace

std::size_t row_bytes_of(const PngHeader& header) {
  const int bits = header.depth * samples_of(header.colour);
  return (static_cast<std::size_t>(header.width) * static_cast<std::size_t>(bits) + 7) / 8;
}

bool unfilter(int filter, const PngHeader& header, uint8_t* row, const uint8_t* above) {
  const std::size_t count = row_bytes_of(header);
  switch (samples_of(header.colour)) {
    case 1:
      return unfilter_row<1>(filter, row, above, count);
    case 2:
      return unfilter_row<2>(filter, row, above, count);
    case 3:
      return unfilter_row<3>(filter, row, above, count);
    default:
      return unfilter_row<4>(filter, row, above, count);
  }
}

void set_palette(PixelTable& table, const uint8_t* rgb, int entries) {
  table.entries = entries;
  std::memcpy(table.rgb, rgb, static_cast<std::size_t>(entries) * 3);
  for (int i = 0; i < entries; ++i) table.grey[i] = luma(table.rgb[i]);
}

void set_grey_levels(PixelTable& table, int depth) {
  table.entries = 1 << depth;
  const int step = 255 / (table.entries - 1);
  for (int i = 0; i < table.entries; ++i) {
    table.grey[i] = static_cast<uint8_t>(i * step);
    std::memset(table.rgb[i], i * step, 3);
  }
}

bool write_pixels(const PngHeader& header, const PixelTable& table, const uint8_t* row, int channels, uint8_t* out) {
  if (table.entries > 0) return write_looked_up(header, table, row, channels, out);
  write_samples(row, static_cast<std::size_t>(samples_of(header.colour)), header.width, channels, out);
  return true;
}

}  // namespace pt
