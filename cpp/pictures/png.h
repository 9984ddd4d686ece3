// Decodes the common forms of PNG: 8-bit grey, grey with alpha, RGB and RGBA, grey and palettes of 1, 2, 4 and 8 bits,
// not interlaced, without transparent colours. The pixels are those of Pillow after `convert("RGB")` or `convert("L")`.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt {

struct PngHeader {
  uint32_t width, height;
  int depth;   // bits of a sample
  int colour;  // PNG's number of the form
};

// The first bytes of a file that have the header.
constexpr std::size_t kPngHeaderBytes = 33;
// Larger files and pictures are Pillow's, which warns of them.
constexpr std::size_t kMostPngBytes = std::size_t{1} << 26;
constexpr uint64_t kMostPngPixels = uint64_t{1} << 26;

// Whether a file that begins so may be one that is decoded here.
bool read_png_header(const uint8_t* file, std::size_t size, PngHeader& header);

// Decodes a whole file into [height, width, channels] bytes; 3 channels are RGB, 1 is grey. False for what is not sound
// in every part or not common; `out` is then of no use. `file` is written to, kInflateSlack bytes past its end too.
// `noted` says whether Pillow would put something of the file into `info`.
bool decode_png(uint8_t* file, std::size_t size, const PngHeader& header, int channels, uint8_t* out, bool& noted);

}  // namespace pt
