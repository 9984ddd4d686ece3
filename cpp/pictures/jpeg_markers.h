// What stands in a JPEG file before its pixels.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt {

struct JpegCodes {                   // of a table of Huffman codes, as the file has them
  const uint8_t* lengths = nullptr;  // how many codes have 1, 2, ... 16 bits; null: the table is not there
  const uint8_t* symbols = nullptr;
};

struct JpegComponent {
  uint8_t id, across, down;  // across and down: blocks in a unit of the scan
  uint8_t steps, dc, ac;     // numbers of its tables
};

// Where the frequency at each place of the file's order belongs in a block of 8 rows of 8.
constexpr uint8_t kJpegPlaces[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                     12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                     35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                     58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

struct JpegPicture {
  uint32_t width = 0, height = 0, restart_interval = 0;
  int components = 0;  // 1: grey; 3: luma and two of colour
  JpegComponent component[3] = {};
  JpegCodes codes[2][4];  // for the first number of a block, and for the others
  bool has_steps[4] = {};
  alignas(64) int16_t steps[4][64];  // in rows: what the numbers of the file are multiplied by
};

// Reads up to the packed pixels, and says where they begin; 0 for all that is not sound or not common.
std::size_t read_jpeg_markers(const uint8_t* file, std::size_t size, JpegPicture& picture);

}  // namespace pt
