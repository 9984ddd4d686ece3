// Reads many PNG files of one size at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pt {

struct PngFiles {
  std::vector<const char*> paths;
  uint32_t height, width;
  int channels;   // 3: RGB; 1: grey
  uint8_t* out;   // [paths, height, width, channels]
  uint8_t* done;  // for each path: 1 where its pixels are in `out`
};

// Reads those that are regular files, of this size, and decoded here. The others are the caller's. `parallel`: on the
// threads of the pool, where they are free.
void read_png_files(const PngFiles& files, bool parallel);

}  // namespace pt
