// Pictures in another size, as Pillow's bilinear filter makes them of their middle: what CenterResizedCrop in
// python/powertrain/data/resizing.py does.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pictures/kernels.h"
#include "pictures/pixel_rows.h"
#include "pictures/room.h"

namespace pt {

// Of which pixels of a side those of another one are made.
struct SideShares {
  int taps = 0;     // at most, for one
  Room begin, end;  // of int32_t, one for each
  Room shares;      // of int32_t, `taps` for each, zeros after its own
};

// Writes a picture of `height` x `width` x `channels` bytes of the rows that it takes. It is used for one picture after
// the other.
class CenterResizedRows : public PixelRows {
 public:
  CenterResizedRows(const KernelFn* kernels, uint32_t height, uint32_t width, int channels);

  void go_to(uint8_t* out) { out_ = out; }
  bool begin(uint32_t width, uint32_t height) override;
  void take(const uint8_t* row) override;

 private:
  void plan(uint32_t width, uint32_t height);
  void reduce(const uint8_t* row);
  void take_reduced(const uint8_t* row);
  void write(const uint8_t* row);

  const KernelFn* kernels_;
  const uint32_t height_, width_;
  const int channels_;
  uint8_t* out_ = nullptr;
  uint32_t from_width_ = 0, from_height_ = 0;  // of the pictures that it is planned for
  bool as_it_is_ = false, taken_ = false;
  // A picture that is many times as large is reduced by whole numbers first; those of the part that counts.
  uint32_t across_ = 1, down_ = 1, left_ = 0, top_ = 0, right_ = 0, bottom_ = 0;
  SideShares x_, y_;
  Room x_pairs_;                 // of int16_t, as ShrinkRow takes them
  uint32_t row_ = 0, made_ = 0;  // rows that were taken, and those that were written
  int reduced_ = 0;              // rows after they were reduced
  uint32_t boxes_ = 0;           // in a row, after they were reduced
  Room sums_, smaller_, ring_, mixed_, rows_;
};

}  // namespace pt
