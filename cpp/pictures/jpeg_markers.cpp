#include "pictures/jpeg_markers.h"

#include <string_view>

namespace pt {
namespace {

constexpr uint64_t kMostPixels = uint64_t{1} << 26;  // larger pictures are Pillow's, which warns of them
constexpr uint8_t kStartOfFile = 0xD8, kFrame = 0xC0, kExtendedFrame = 0xC1, kCodes = 0xC4, kScan = 0xDA, kSteps = 0xDB,
                  kRestarts = 0xDD, kJfif = 0xE0, kExif = 0xE1, kProfile = 0xE2, kPhotoshop = 0xED, kAdobe = 0xEE,
                  kLastApplication = 0xEF, kComment = 0xFE;

struct Segment {
  const uint8_t* data;
  std::size_t size;

  uint32_t pair(std::size_t at) const { return static_cast<uint32_t>(data[at] << 8 | data[at + 1]); }
  std::string_view text() const { return {reinterpret_cast<const char*>(data), size}; }
  bool begins(std::string_view with) const { return text().starts_with(with); }
};

// EXIF data: a TIFF file whose first directory may say that the picture is turned.
class Exif {
 public:
  explicit Exif(Segment tiff) : tiff_(tiff) {}

  // Whether it is plain: all of the directory is there, and the picture is not turned.
  bool is_upright() {
    static constexpr uint32_t kOrientation = 0x0112, kShort = 3;
    static constexpr std::size_t kEntry = 12;
    if (tiff_.size < 8) return false;
    little_ = tiff_.begins(std::string_view("II*\0", 4));
    if (!little_ && !tiff_.begins(std::string_view("MM\0*", 4))) return false;
    const std::size_t directory = number(4, 4);
    if (directory < 8 || directory > tiff_.size - 2) return false;
    const std::size_t entries = number(directory, 2), first = directory + 2;
    if (entries * kEntry + 4 > tiff_.size - first) return false;
    for (std::size_t at = first; at < first + entries * kEntry; at += kEntry) {
      const uint32_t type = number(at + 2, 2), count = number(at + 4, 4);
      if (!is_inside(type, count, at + 8)) return false;
      if (number(at, 2) == kOrientation && (type != kShort || count != 1 || number(at + 8, 2) != 1)) return false;
    }
    return true;
  }

 private:
  bool is_inside(uint32_t type, uint32_t count, std::size_t value) const {
    static constexpr uint8_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    if (type == 0 || type >= sizeof kSizes || count == 0 || count > tiff_.size) return false;
    const std::size_t bytes = std::size_t{count} * kSizes[type];
    if (bytes <= 4) return true;
    const std::size_t at = number(value, 4);
    return at <= tiff_.size && bytes <= tiff_.size - at;
  }

  uint32_t number(std::size_t at, int bytes) const {
    uint32_t made = 0;
    for (int i = 0; i < bytes; ++i)
      made = made << 8 | tiff_.data[at + static_cast<std::size_t>(little_ ? bytes - 1 - i : i)];
    return made;
  }

  Segment tiff_;
  bool little_ = false;
};

class Reader {
 public:
  explicit Reader(JpegPicture& picture) : picture_(picture) {}

  std::size_t read(const uint8_t* file, std::size_t size) {
    if (size < 4 || file[0] != 0xFF || file[1] != kStartOfFile) return 0;
    for (std::size_t at = 2; size - at >= 4;) {
      if (file[at] != 0xFF) return 0;
      const uint8_t marker = file[at + 1];
      const std::size_t length = static_cast<std::size_t>(file[at + 2] << 8 | file[at + 3]);
      if (length < 2 || length > size - at - 2) return 0;
      const Segment segment{file + at + 4, length - 2};
      at += 2 + length;
      if (marker == kScan) return take_scan(segment) ? at : 0;
      if (!take(marker, segment)) return 0;
    }
    return 0;
  }

 private:
  bool take(uint8_t marker, Segment segment) {
    switch (marker) {
      case kFrame:
      case kExtendedFrame:
        return take_frame(segment);
      case kCodes:
        return take_codes(segment);
      case kSteps:
        return take_steps(segment);
      case kRestarts:
        if (segment.size != 2) return false;
        picture_.restart_interval = segment.pair(0);
        return true;
      case kComment:
        return true;
      default:
        return marker >= kJfif && marker <= kLastApplication && take_application(marker, segment);
    }
  }

  // What Pillow or its decoder draw conclusions from must be what is usual.
  bool take_application(uint8_t marker, Segment segment) {
    switch (marker) {
      case kJfif:
        if (!segment.begins("JFIF")) return true;
        jfif_ = segment.size >= 14 && segment.data[4] == 0;
        return jfif_;
      case kExif:
        if (segment.begins(std::string_view("Exif\0\0", 6))) {
          if (exif_) return false;  // the second goes on where the first ends
          exif_ = true;
          return Exif({segment.data + 6, segment.size - 6}).is_upright();
        }
        return segment.text().find("Orientation") == std::string_view::npos;
      case kProfile:
        if (segment.begins("ICC_PROFILE")) return segment.size >= 14;
        return !segment.begins("MPF");
      case kPhotoshop:
        return !segment.begins("Photoshop");
      case kAdobe:
        if (!segment.begins("Adobe")) return true;
        if (segment.size < 12 || segment.data[11] != 1) return false;
        adobe_ = true;
        return true;
      default:
        return true;
    }
  }

  bool take_frame(Segment segment) {
    if (picture_.components || segment.size < 6 || segment.data[0] != 8) return false;
    picture_.height = segment.pair(1);
    picture_.width = segment.pair(3);
    const int count = segment.data[5];
    const uint64_t pixels = static_cast<uint64_t>(picture_.width) * picture_.height;
    if ((count != 1 && count != 3) || segment.size != 6 + 3 * static_cast<std::size_t>(count)) return false;
    if (pixels == 0 || pixels > kMostPixels) return false;
    for (int i = 0; i < count; ++i) {
      const uint8_t* given = segment.data + 6 + 3 * i;
      JpegComponent& made = picture_.component[i];
      made = {given[0], static_cast<uint8_t>(given[1] >> 4), static_cast<uint8_t>(given[1] & 15), given[2], 0, 0};
      if (made.steps > 3 || made.across == 0 || made.across > 4 || made.down == 0 || made.down > 4) return false;
    }
    picture_.components = count;
    if (count == 3) return is_common();
    picture_.component[0].across = picture_.component[0].down = 1;  // of a single one they mean nothing
    return true;
  }

  bool is_common() const {
    const JpegComponent *c = picture_.component, &luma = c[0];
    for (int i = 1; i < 3; ++i)
      if (c[i].across != 1 || c[i].down != 1) return false;
    if (c[0].id == c[1].id || c[1].id == c[2].id || c[0].id == c[2].id) return false;
    if (luma.across == 1) return luma.down == 1;
    // Colours of at most two columns are spread in another way.
    return luma.across == 2 && luma.down <= 2 && picture_.width > 4;
  }

  bool take_codes(Segment segment) {
    static constexpr std::size_t kHead = 17;
    while (segment.size >= kHead) {
      const uint8_t kind = segment.data[0] >> 4, number = segment.data[0] & 15;
      std::size_t count = 0;
      for (std::size_t i = 1; i < kHead; ++i) count += segment.data[i];
      if (kind > 1 || number > 3 || count > 256 || count > segment.size - kHead) return false;
      picture_.codes[kind][number] = {segment.data + 1, segment.data + kHead};
      segment = {segment.data + kHead + count, segment.size - kHead - count};
    }
    return segment.size == 0;
  }

  bool take_steps(Segment segment) {
    static constexpr std::size_t kTable = 65;
    for (; segment.size >= kTable; segment = {segment.data + kTable, segment.size - kTable}) {
      const uint8_t number = segment.data[0];
      if (number > 3) return false;  // of 16 bits too
      for (int i = 0; i < 64; ++i) picture_.steps[number][kJpegPlaces[i]] = segment.data[1 + i];
      picture_.has_steps[number] = true;
    }
    return segment.size == 0;
  }

  bool take_scan(Segment segment) {
    const auto count = static_cast<std::size_t>(picture_.components);
    if (count == 0 || segment.size != 4 + 2 * count || segment.data[0] != count) return false;
    for (std::size_t i = 0; i < count; ++i) {
      const uint8_t *given = segment.data + 1 + 2 * i, dc = given[1] >> 4, ac = given[1] & 15;
      JpegComponent& one = picture_.component[i];
      if (given[0] != one.id || dc > 3 || ac > 3 || !picture_.has_steps[one.steps]) return false;
      if (!picture_.codes[0][dc].lengths || !picture_.codes[1][ac].lengths) return false;
      one.dc = dc;
      one.ac = ac;
    }
    const uint8_t* last = segment.data + segment.size - 3;
    return last[0] == 0 && last[1] == 63 && last[2] == 0 && (count == 1 || has_usual_colours());
  }

  bool has_usual_colours() const {
    const JpegComponent* c = picture_.component;
    return jfif_ || adobe_ || (c[0].id == 1 && c[1].id == 2 && c[2].id == 3);
  }

  JpegPicture& picture_;
  bool jfif_ = false, adobe_ = false, exif_ = false;
};

}  // namespace

std::size_t read_jpeg_markers(const uint8_t* file, std::size_t size, JpegPicture& picture) {
  return Reader(picture).read(file, size);
}

}  // namespace pt
