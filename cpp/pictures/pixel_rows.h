// Takes the rows of a picture one after the other.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt {

class PixelRows {
 public:
  virtual ~PixelRows() = default;
  // Before the first row; false: pictures of this size are not taken.
  virtual bool begin(uint32_t width, uint32_t height) = 0;
  // Pixels of 4 bytes: red, green and blue, or grey in the place of red. kRowSlack bytes past their end can be read.
  virtual void take(const uint8_t* row) = 0;
};

constexpr std::size_t kRowSlack = 64;

}  // namespace pt
