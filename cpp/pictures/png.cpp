#include "pictures/png.h"

#include <cstring>
#include <memory>
#include <string_view>

#include "pictures/checksums.h"
#include "pictures/inflate.h"
#include "pictures/rows.h"

namespace pt {
namespace {

constexpr uint8_t kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::size_t kAroundChunk = 12;  // length, name, check sum
constexpr int kGrey = 0, kRgb = 2, kIndexed = 3, kGreyAlpha = 4, kRgba = 6;
constexpr uint32_t kMostColours = 256;
constexpr std::size_t kMostTextBytes = std::size_t{1} << 20;
constexpr uint64_t kMostExpansion = 1032;  // of deflate: 258 bytes for 2 bits

uint32_t big_endian(const uint8_t* at) {
  return static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 | static_cast<uint32_t>(at[2]) << 8 |
         at[3];
}

bool is_common(int depth, int colour) {
  if (depth == 8)
    return colour == kGrey || colour == kRgb || colour == kIndexed || colour == kGreyAlpha || colour == kRgba;
  return (depth == 1 || depth == 2 || depth == 4) && (colour == kGrey || colour == kIndexed);
}

struct Chunk {
  std::string_view name;
  uint8_t* data;
  uint32_t length;
};

// The chunk at a place, if all of it is there with the right check sum.
bool chunk_at(uint8_t* file, std::size_t size, std::size_t at, Chunk& chunk) {
  if (size - at < kAroundChunk) return false;
  const uint32_t length = big_endian(file + at);
  if (length > size - at - kAroundChunk) return false;
  uint8_t* name = file + at + 4;
  chunk = {std::string_view(reinterpret_cast<const char*>(name), 4), name + 4, length};
  return crc32_of(name, length + 4) == big_endian(chunk.data + length);
}

// Of others Pillow may take meanings, such as an orientation.
bool is_plain_text(const Chunk& chunk) {
  static constexpr std::string_view kKeywords[] = {
      "Title",   "Author", "Description", "Copyright",   "Creation Time", "Software",      "Disclaimer",
      "Warning", "Source", "Comment",     "date:create", "date:modify",   "date:timestamp"};
  const std::string_view data(reinterpret_cast<const char*>(chunk.data), chunk.length);
  const std::string_view keyword = data.substr(0, data.find('\0'));
  for (const std::string_view known : kKeywords)
    if (keyword == known) return true;
  return false;
}

class Reader {
 public:
  Reader(uint8_t* file, std::size_t size, const PngHeader& header) : file_(file), size_(size), header_(header) {}

  // Checks all chunks and puts the packed data together, in their place.
  bool collect() {
    std::size_t at = sizeof kSignature;
    for (Chunk chunk; at < size_; at += chunk.length + kAroundChunk) {
      if (!chunk_at(file_, size_, at, chunk)) return false;
      if (chunk.name == "IEND") return packed_ && chunk.length == 0 && at + kAroundChunk == size_;
      const bool taken = at == sizeof kSignature ? chunk.name == "IHDR" : take(chunk);
      if (!taken) return false;
    }
    return false;
  }

  bool decode(int channels, uint8_t* out) const {
    PixelTable table;
    if (header_.colour == kIndexed) {
      if (!palette_) return false;
      set_palette(table, palette_, static_cast<int>(palette_bytes_ / 3));
    } else if (header_.depth < 8) {
      set_grey_levels(table, header_.depth);
    }
    // A row of zeros, then the rows, each behind the number of its filter.
    const std::size_t row_bytes = row_bytes_of(header_), stride = row_bytes + 1, total = stride * header_.height;
    if (total > kMostExpansion * packed_bytes_) return false;
    const auto memory = std::make_unique_for_overwrite<uint8_t[]>(row_bytes + total + kInflateSlack);
    std::memset(memory.get(), 0, row_bytes);
    uint8_t* rows = memory.get() + row_bytes;
    if (!inflate_zlib(packed_, packed_bytes_, rows, total)) return false;
    const uint8_t* above = memory.get();
    const std::size_t out_bytes = static_cast<std::size_t>(header_.width) * static_cast<std::size_t>(channels);
    for (uint32_t y = 0; y < header_.height; ++y, rows += stride, out += out_bytes) {
      if (!unfilter(rows[0], header_, rows + 1, above)) return false;
      if (!write_pixels(header_, table, rows + 1, channels, out)) return false;
      above = rows + 1;
    }
    return true;
  }

  bool noted() const { return noted_; }

 private:
  bool take(const Chunk& chunk) {
    const std::string_view name = chunk.name;
    if (name == "IDAT") return take_packed(chunk);
    left_packed_ = packed_;
    if (name == "PLTE") return take_palette(chunk);
    if (name == "tIME" || name == "bKGD" || name == "sBIT" || name == "hIST") return true;  // Pillow passes over them
    noted_ = true;
    if (name == "gAMA") return chunk.length == 4;
    if (name == "cHRM") return chunk.length == 32;
    if (name == "sRGB") return chunk.length == 1;
    if (name == "pHYs") return chunk.length == 9;
    return name == "tEXt" && (text_bytes_ += chunk.length) <= kMostTextBytes && is_plain_text(chunk);
  }

  bool take_packed(const Chunk& chunk) {
    if (left_packed_) return false;
    if (!packed_)
      packed_ = chunk.data;
    else
      std::memmove(packed_ + packed_bytes_, chunk.data, chunk.length);
    packed_bytes_ += chunk.length;
    return true;
  }

  bool take_palette(const Chunk& chunk) {
    if (palette_ || packed_ || chunk.length == 0 || chunk.length % 3 != 0 || chunk.length > 3 * kMostColours)
      return false;
    palette_ = chunk.data;
    palette_bytes_ = chunk.length;
    return true;
  }

  uint8_t* file_;
  std::size_t size_;
  PngHeader header_;
  uint8_t* packed_ = nullptr;
  const uint8_t* palette_ = nullptr;
  std::size_t packed_bytes_ = 0, palette_bytes_ = 0, text_bytes_ = 0;
  bool left_packed_ = false, noted_ = false;
};

}  // namespace

bool read_png_header(const uint8_t* file, std::size_t size, PngHeader& header) {
  static constexpr uint8_t kFirst[] = {0, 0, 0, 13, 'I', 'H', 'D', 'R'};
  if (size < kPngHeaderBytes || size > kMostPngBytes) return false;
  if (std::memcmp(file, kSignature, sizeof kSignature) != 0 || std::memcmp(file + 8, kFirst, sizeof kFirst) != 0)
    return false;
  const uint8_t* data = file + 16;
  header = {big_endian(data), big_endian(data + 4), data[8], data[9]};
  const bool plain = data[10] == 0 && data[11] == 0 && data[12] == 0;  // compression, filters, interlacing
  const uint64_t pixels = static_cast<uint64_t>(header.width) * header.height;
  return plain && is_common(header.depth, header.colour) && pixels > 0 && pixels <= kMostPngPixels &&
         pixels <= 8 * kMostExpansion * size;
}

bool decode_png(uint8_t* file, std::size_t size, const PngHeader& header, int channels, uint8_t* out, bool& noted) {
  Reader reader(file, size, header);
  if (!reader.collect() || !reader.decode(channels, out)) return false;
  noted = reader.noted();
  return true;
}

}  // namespace pt
