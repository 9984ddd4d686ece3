// Reads many files of pictures in one size at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pt {

struct PictureFiles {
  std::vector<const char*> paths;
  uint32_t height, width;
  int channels;   // 3: RGB; 1: grey
  uint8_t* out;   // [paths, height, width, channels]
  uint8_t* done;  // for each path: 1 where its pixels are in `out`
};

// Reads those that are regular files and decoded here: PNG of this size, and JPEG, which are brought to it as
// CenterResizedCrop does. The others are the caller's. `parallel`: on the threads of the pool, where they are free.
void read_picture_files(const PictureFiles& files, bool parallel);

}  // namespace pt
