#include "pictures/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "parallel/kernel_table.h"

namespace pt {
namespace {

constexpr double kReducingGap = 3.0;
constexpr int kShareBits = 22;  // a share of 1, of which two bits are left for sums
constexpr std::size_t kPixel = 4;

// A side of the picture, its middle that counts, and by what it is reduced first.
struct Side {
  double begin, end;
  uint32_t reduce_begin, reduce_end, factor;

  Side(uint32_t length, uint32_t wanted, double scale) {
    const double part = std::min(wanted / scale, static_cast<double>(length));
    begin = (length - part) / 2;
    end = begin + part;
    factor = std::max(1u, static_cast<uint32_t>((end - begin) / wanted / kReducingGap));
    const double more = 0.5 * ((end - begin) / wanted);
    reduce_begin = static_cast<uint32_t>(std::max(0.0, begin - more));
    reduce_end = std::min(length, static_cast<uint32_t>(std::ceil(end + more)));
  }

  // Of the picture that is reduced, or of the whole one.
  void reduce(bool reduced, uint32_t length) {
    if (reduced) {
      begin = (begin - reduce_begin) / factor;
      end = (end - reduce_begin) / factor;
    } else {
      reduce_begin = 0;
      reduce_end = length;
    }
  }
  int length() const { return static_cast<int>((reduce_end - reduce_begin + factor - 1) / factor); }
};

uint32_t rounded_up(uint32_t width) { return (width + kShrunkAtOnce - 1) / kShrunkAtOnce * kShrunkAtOnce; }

// In double precision and in this order, as Pillow computes them, but for the ends, which it holds in single precision.
void share_out(SideShares& made, int length, float begin, float end, uint32_t count) {
  const double scale = static_cast<double>(end - begin) / count, width = std::max(scale, 1.0), step = 1.0 / width;
  made.begin.resize(rounded_up(count) * sizeof(int32_t));
  made.end.resize(count * sizeof(int32_t));
  auto *begins = made.begin.as<int32_t>(), *ends = made.end.as<int32_t>();
  const auto center_of = [&](uint32_t i) { return begin + (i + 0.5) * scale; };
  int most = 0;
  for (uint32_t i = 0; i < count; ++i) {
    begins[i] = std::max(0, static_cast<int>(center_of(i) - width + 0.5));
    ends[i] = std::min(length, static_cast<int>(center_of(i) + width + 0.5));
    most = std::max(most, ends[i] - begins[i]);
  }
  made.taps = (most + 3) / 4 * 4;
  const auto taps = static_cast<std::size_t>(made.taps);
  made.shares.resize(count * taps * sizeof(int32_t));
  const auto weight = [&](double center, int x) { return std::max(0.0, 1.0 - std::abs((x - center + 0.5) * step)); };
  for (uint32_t i = 0; i < count; ++i) {
    const double center = center_of(i);
    double sum = 0;
    for (int x = begins[i]; x < ends[i]; ++x) sum += weight(center, x);
    int32_t* share = made.shares.as<int32_t>() + i * taps;
    for (int x = begins[i]; x < ends[i]; ++x)
      *share++ = static_cast<int32_t>(0.5 + (sum != 0 ? weight(center, x) / sum : 0.0) * (1 << kShareBits));
  }
}

// As ShrinkRow takes them.
void put_in_pairs(const SideShares& side, uint32_t count, Room& pairs) {
  const auto taps = static_cast<std::size_t>(side.taps);
  const std::size_t shares = count * taps;
  pairs.resize(8 * rounded_up(count) * taps * sizeof(int16_t));
  int16_t* made = pairs.as<int16_t>();
  for (std::size_t four = 0; four < shares; four += 4)
    for (const int shift : {0, kLowShareBits})
      for (std::size_t i = 0; i < 16; ++i) {
        const int32_t share = side.shares.as<int32_t>()[four + i / 8 * 2 + i % 2] >> shift;
        *made++ = static_cast<int16_t>(share & ((1 << kLowShareBits) - 1));
      }
}

// Of as many bytes as were added up, in place of a division.
uint32_t multiplier(uint32_t count) { return static_cast<uint32_t>(4294967296.0f / static_cast<float>(256 * count)); }

}  // namespace

void Room::resize(std::size_t bytes) { bytes_ = std::make_unique<uint8_t[]>(bytes); }

const KernelFn* picture_kernels() {
  const KernelFn* const own = find_kernels("pictures", current_isa());
  return own || current_isa() != "avx512" ? own : find_kernels("pictures", "avx2");
}

void run_picture_kernel(const KernelFn* kernels, PictureKernel kernel, const void* desc) {
  const KernelArgs args{nullptr, desc, nullptr, nullptr};
  kernels[static_cast<int>(kernel)](&args, 0);
}

CenterResizedRows::CenterResizedRows(const KernelFn* kernels, uint32_t height, uint32_t width, int channels)
    : kernels_(kernels), height_(height), width_(width), channels_(channels) {}

bool CenterResizedRows::begin(uint32_t width, uint32_t height) {
  if (width != from_width_ || height != from_height_) plan(width, height);
  row_ = made_ = 0;
  reduced_ = 0;
  return taken_;
}

void CenterResizedRows::plan(uint32_t width, uint32_t height) {
  from_width_ = from_height_ = 0;
  as_it_is_ = width == width_ && height == height_;
  const double scale = std::max(static_cast<double>(height_) / height, static_cast<double>(width_) / width);
  Side x(width, width_, scale), y(height, height_, scale);
  const bool reduced = x.factor > 1 || y.factor > 1;
  x.reduce(reduced, width);
  y.reduce(reduced, height);
  across_ = x.factor;
  down_ = y.factor;
  left_ = x.reduce_begin;
  right_ = x.reduce_end;
  top_ = y.reduce_begin;
  bottom_ = y.reduce_end;
  share_out(x_, x.length(), static_cast<float>(x.begin), static_cast<float>(x.end), width_);
  share_out(y_, y.length(), static_cast<float>(y.begin), static_cast<float>(y.end), height_);
  put_in_pairs(x_, width_, x_pairs_);
  // Of tall ones, Pillow shrinks columns before rows from release 13 on, and after them before, which rounds otherwise.
  const int shorter = y.length() - static_cast<int>(height_), narrower = x.length() - static_cast<int>(width_);
  taken_ = shorter <= 0 || shorter <= 2 * narrower;
  boxes_ = static_cast<uint32_t>(x.length());
  if (reduced) {
    sums_.resize(kPixel * boxes_ * sizeof(uint32_t));
    smaller_.resize(kPixel * boxes_ + kRowSlack);
  }
  const auto taps = static_cast<std::size_t>(y_.taps);
  ring_.resize(kPixel * rounded_up(width_) * taps);
  mixed_.resize(kPixel * rounded_up(width_));
  rows_.resize(taps * sizeof(const uint8_t*));
  from_width_ = width;
  from_height_ = height;
}

void CenterResizedRows::take(const uint8_t* row) {
  if (as_it_is_)
    write(row);
  else if (across_ > 1 || down_ > 1)
    reduce(row);
  else
    take_reduced(row);
  ++row_;
}

// The means of boxes, of which the last ones may be smaller.
void CenterResizedRows::reduce(const uint8_t* row) {
  if (row_ < top_ || row_ >= bottom_) return;
  auto* sums = sums_.as<uint32_t>();
  const AddBoxes add{row + kPixel * left_, right_ - left_, across_, sums};
  run_picture_kernel(kernels_, PictureKernel::kAddBoxes, &add);
  const uint32_t rows = (row_ - top_) % down_ + 1;
  if (rows != down_ && row_ + 1 != bottom_) return;
  for (uint32_t box = 0; box < boxes_; ++box) {
    const uint32_t x = left_ + box * across_, count = rows * (std::min(x + across_, right_) - x);
    const uint32_t factor = multiplier(count);
    for (std::size_t c = kPixel * box; c < kPixel * (box + 1); ++c) {
      smaller_.bytes()[c] = static_cast<uint8_t>(((sums[c] + count / 2) * factor) >> 24);
      sums[c] = 0;
    }
  }
  take_reduced(smaller_.bytes());
}

void CenterResizedRows::take_reduced(const uint8_t* row) {
  const auto taps = static_cast<std::size_t>(y_.taps), stride = kPixel * rounded_up(width_);
  const int here = reduced_++, *begins = y_.begin.as<int32_t>(), *ends = y_.end.as<int32_t>();
  if (made_ == height_ || here < begins[made_]) return;
  const auto slot = [&](int y) { return ring_.bytes() + static_cast<std::size_t>(y) % taps * stride; };
  const ShrinkRow shrink{
      row, x_.begin.as<int32_t>(), x_pairs_.as<int16_t>(), x_.taps, static_cast<int>(rounded_up(width_)), slot(here)};
  run_picture_kernel(kernels_, PictureKernel::kShrinkRow, &shrink);
  for (; made_ < height_ && ends[made_] == here + 1; ++made_) {
    const int begin = begins[made_], count = ends[made_] - begin;
    for (int t = 0; t < count; ++t) rows_.as<const uint8_t*>()[t] = slot(begin + t);
    const MixRows mix{rows_.as<const uint8_t*>(), y_.shares.as<int32_t>() + made_ * taps, count,
                      static_cast<int>(stride), mixed_.bytes()};
    run_picture_kernel(kernels_, PictureKernel::kMixRows, &mix);
    write(mixed_.bytes());
  }
}

void CenterResizedRows::write(const uint8_t* row) {
  if (channels_ == 1) {
    for (std::size_t x = 0; x < width_; ++x) *out_++ = row[kPixel * x];
    return;
  }
  // Four bytes of each pixel but the last, of which the next one writes over the fourth.
  for (std::size_t x = 1; x < width_; ++x, row += kPixel, out_ += 3) std::memcpy(out_, row, kPixel);
  std::memcpy(out_, row, 3);
  out_ += 3;
}

}  // namespace pt
