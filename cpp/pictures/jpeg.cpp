// One row of the scan's units after the other is decoded, transformed, coloured and handed on, so that all of it stays
// in a cache. What spreads colours downwards needs the next row of them: so the last row of pixels waits for it.
#include "pictures/jpeg.h"

#include <algorithm>
#include <cstring>

#include "pictures/jpeg_codes.h"
#include "pictures/jpeg_markers.h"
#include "pictures/kernels.h"
#include "pictures/room.h"

namespace pt {
namespace {

constexpr std::size_t kBlock = 8, kBlockNumbers = 64;
constexpr uint8_t kEndOfFile = 0xD9, kFirstRestart = 0xD0;

// The samples of a component: two rows of those before, and a row of units.
struct Plane {
  static constexpr std::size_t kBefore = 2;
  std::size_t blocks_across, stride, height;  // of blocks: those of a row, and one more where that is odd
  Room blocks, others, samples;

  uint8_t* row(std::ptrdiff_t y) const { return samples.bytes() + static_cast<std::size_t>(y + kBefore) * stride; }
};

class Decoder {
 public:
  Decoder(const KernelFn* kernels, const JpegPicture& picture, JpegTables& tables, bool grey, PixelRows& rows)
      : picture_(picture),
        tables_(tables.of),
        rows_(rows),
        kernels_(kernels),
        across_(picture.component[0].across),
        down_(picture.component[0].down),
        units_((picture.width + kBlock * across_ - 1) / (kBlock * across_)) {
    const std::size_t room = units_ * kBlock * across_ + kSpreadSlack;
    for (int i = 0; i < picture.components; ++i) {
      const JpegComponent& one = picture.component[i];
      Plane& plane = planes_[i];
      plane.blocks_across = (units_ * one.across + 1) / 2 * 2;
      plane.stride = plane.blocks_across * kBlock;
      plane.height = kBlock * one.down;
      plane.blocks.resize(plane.blocks_across * one.down * kBlockNumbers * sizeof(int16_t));
      plane.others.resize(plane.blocks_across * one.down);
      plane.samples.resize(plane.stride * (plane.height + Plane::kBefore) + kSpreadSlack);
    }
    sums_.resize(room * sizeof(int16_t));
    pixels_.resize(4 * room + kRowSlack);
    for (int i = 0; i < 2; ++i) {
      spread_[i].resize(room);
      row_.spread[i] = spread_[i].bytes();
    }
    row_.width = static_cast<int>(picture.width);
    row_.across = static_cast<int>(across_);
    row_.down = static_cast<int>(down_);
    row_.sums = sums_.as<int16_t>();
    row_.grey = grey;
    row_.out = pixels_.bytes();
  }

  bool decode(uint8_t* at, uint8_t* end) {
    at_ = at;
    end_ = end;
    for (int i = 0; i < picture_.components; ++i) {
      const JpegComponent& one = picture_.component[i];
      if (!tables_[0][one.dc].make(picture_.codes[0][one.dc], true)) return false;
      if (!tables_[1][one.ac].make(picture_.codes[1][one.ac], false)) return false;
    }
    JpegBlocks blocks = next_stretch();
    if (!marker_) return false;  // it breaks off
    if (!rows_.begin(picture_.width, picture_.height)) return false;
    const std::size_t unit_rows = (picture_.height + kBlock * down_ - 1) / (kBlock * down_);
    uint64_t unit = 0;
    for (std::size_t y = 0; y < unit_rows; ++y) {
      for (std::size_t x = 0; x < units_; ++x, ++unit) {
        if (picture_.restart_interval && unit && unit % picture_.restart_interval == 0) {
          const auto number = static_cast<uint8_t>((unit / picture_.restart_interval - 1) % 8);
          if (!blocks.at_end() || marker_ != kFirstRestart + number) return false;
          blocks = next_stretch();
          std::fill_n(previous_, 3, 0);
        }
        if (!read_unit(blocks, x)) return false;
      }
      transform();
      if (too_large_) return false;
      hand_on(y * kBlock * down_, y + 1 == unit_rows);
    }
    return blocks.at_end() && marker_ == kEndOfFile;
  }

 private:
  // What is packed up to the next marker. Takes the zeros out that stand behind each byte of ones.
  JpegBlocks next_stretch() {
    uint8_t *begin = at_, *to = at_;
    marker_ = 0;
    while (at_ < end_) {
      auto* ones = static_cast<uint8_t*>(std::memchr(at_, 0xFF, static_cast<std::size_t>(end_ - at_)));
      if (!ones || end_ - ones < 2) break;
      const std::size_t count = static_cast<std::size_t>(ones - at_) + (ones[1] == 0 ? 1 : 0);
      if (to != at_) std::memmove(to, at_, count);
      to += count;
      at_ = ones + 2;
      if (ones[1] != 0) {
        marker_ = ones[1];
        break;
      }
    }
    return {begin, to};
  }

  bool read_unit(JpegBlocks& blocks, std::size_t x) {
    for (int i = 0; i < picture_.components; ++i) {
      const JpegComponent& one = picture_.component[i];
      for (std::size_t v = 0; v < one.down; ++v)
        for (std::size_t h = 0; h < one.across; ++h) {
          const std::size_t number = v * planes_[i].blocks_across + x * one.across + h;
          int16_t* block = planes_[i].blocks.as<int16_t>() + number * kBlockNumbers;
          if (!blocks.read(tables_[0][one.dc], tables_[1][one.ac], previous_[i], block,
                           planes_[i].others.bytes()[number]))
            return false;
        }
    }
    return true;
  }

  void transform() {
    for (int i = 0; i < picture_.components; ++i) {
      const JpegComponent& one = picture_.component[i];
      Plane& plane = planes_[i];
      const std::size_t count = plane.blocks_across;
      for (std::size_t v = 0; v < one.down; ++v) {
        const InverseDct desc{plane.blocks.as<int16_t>() + v * count * kBlockNumbers,
                              plane.others.bytes() + v * count,
                              picture_.steps[one.steps],
                              plane.row(static_cast<std::ptrdiff_t>(v * kBlock)),
                              static_cast<std::ptrdiff_t>(plane.stride),
                              static_cast<int>(count),
                              &too_large_};
        run_picture_kernel(kernels_, PictureKernel::kInverseDct, &desc);
      }
    }
  }

  // The rows that can be coloured now, of those that begin at `top`.
  void hand_on(std::size_t top, bool last) {
    const bool waits = down_ == 2;
    const auto rows = static_cast<std::ptrdiff_t>(std::min(kBlock * down_, picture_.height - top));
    const std::ptrdiff_t colours = (rows + static_cast<std::ptrdiff_t>(down_) - 1) / static_cast<std::ptrdiff_t>(down_);
    for (std::ptrdiff_t y = waits && top > 0 ? -1 : 0; y < (waits && !last ? rows - 1 : rows); ++y) {
      row_.luma = planes_[0].row(y);
      for (int i = 0; i + 1 < picture_.components; ++i) {
        std::ptrdiff_t near = y, far = y;
        if (waits) {
          near = y < 0 ? -1 : y / 2;
          far = y & 1 ? near + 1 : near - 1;
          if (top == 0) far = std::max<std::ptrdiff_t>(far, 0);
          if (last) far = std::min(far, colours - 1);
        }
        row_.near[i] = planes_[i + 1].row(near);
        row_.far[i] = planes_[i + 1].row(far);
      }
      run_picture_kernel(kernels_, PictureKernel::kColours, &row_);
      rows_.take(pixels_.bytes());
    }
    if (waits)
      for (int i = 0; i < picture_.components; ++i) {
        Plane& plane = planes_[i];
        std::memcpy(plane.row(-2), plane.row(static_cast<std::ptrdiff_t>(plane.height) - 2), 2 * plane.stride);
      }
  }

  const JpegPicture& picture_;
  JpegTable (&tables_)[2][4];
  PixelRows& rows_;
  const KernelFn* kernels_;
  std::size_t across_, down_, units_;  // of luma in a unit, and the units of a row
  int previous_[3] = {};
  uint32_t too_large_ = 0;
  uint8_t *at_ = nullptr, *end_ = nullptr, marker_ = 0;
  Plane planes_[3];
  Room sums_, spread_[2], pixels_;
  ColourRow row_ = {};
};

}  // namespace

bool decode_jpeg(const KernelFn* kernels, JpegTables& tables, uint8_t* file, std::size_t size, bool grey,
                 PixelRows& rows) {
  JpegPicture picture;
  const std::size_t at = read_jpeg_markers(file, size, picture);
  return at && Decoder(kernels, picture, tables, grey, rows).decode(file + at, file + size);
}

}  // namespace pt
