// PNG files: what is sound is decoded, and what is not is refused without a step past a buffer.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "pictures/checksums.h"
#include "pictures/files.h"
#include "pictures/inflate.h"
#include "pictures/png.h"
#include "tests/check.h"

namespace {

using Bytes = std::vector<uint8_t>;

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
Bytes big_endian(uint32_t number) {
  return {static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8),
          static_cast<uint8_t>(number)};
}

Bytes chunk(const char* name, const Bytes& data) {
  Bytes named(name, name + 4), made = big_endian(static_cast<uint32_t>(data.size()));
  append(named, data);
  append(made, named);
  append(made, big_endian(pt::crc32_of(named.data(), named.size())));
  return made;
}

// In blocks that are not packed.
Bytes stored(const Bytes& data) {
  Bytes made{0x78, 0x01, 1, static_cast<uint8_t>(data.size()), static_cast<uint8_t>(data.size() >> 8)};
  append(made, {static_cast<uint8_t>(~made[3]), static_cast<uint8_t>(~made[4])});
  append(made, data);
  append(made, big_endian(pt::adler32_of(data.data(), data.size())));
  return made;
}

// RGB of 2 x 2 pixels, whose second row says how it differs from the first.
Bytes png() {
  Bytes made{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  append(made, chunk("IHDR", {0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0}));
  append(made, chunk("IDAT", stored({0, 1, 2, 3, 4, 5, 6, 2, 10, 10, 10, 250, 251, 252})));
  append(made, chunk("IEND", {}));
  return made;
}

// With canaries around all that is written.
bool decoded(const Bytes& file, Bytes& out, int channels = 3) {
  Bytes content(file);
  content.resize(file.size() + pt::kInflateSlack);
  pt::PngHeader header;
  if (!pt::read_png_header(content.data(), file.size(), header)) return false;
  const std::size_t size = static_cast<std::size_t>(header.width) * header.height * static_cast<std::size_t>(channels);
  if (size > 4096) return false;
  Bytes around(size + 32, 0xC5);
  bool noted = false;
  const bool good = pt::decode_png(content.data(), file.size(), header, channels, around.data() + 16, noted);
  for (std::size_t i = 0; i < 16; ++i) CHECK(around[i] == 0xC5 && around[size + 16 + i] == 0xC5);
  out.assign(around.begin() + 16, around.end() - 16);
  return good;
}

void test_checksums() {
  const std::string nine = "123456789";
  const auto* bytes = reinterpret_cast<const uint8_t*>(nine.data());
  CHECK_EQ(pt::crc32_of(bytes, 9), 0xCBF43926u);
  CHECK_EQ(pt::adler32_of(bytes, 9), 0x091E01DEu);
  const Bytes many(100'000, 255);
  CHECK_EQ(pt::adler32_of(many.data(), many.size()), 0x149A302Cu);
  CHECK_EQ(pt::crc32_of(bytes, 0), 0u);
}

bool unpacked(Bytes packed, const std::string& want) {
  const std::size_t count = packed.size();
  packed.resize(count + pt::kInflateSlack);
  Bytes out(want.size() + pt::kInflateSlack);
  return pt::inflate_zlib(packed.data(), count, out.data(), want.size()) &&
         std::memcmp(out.data(), want.data(), want.size()) == 0;
}

void test_inflate() {
  // zlib.compress(b"a" * 20): fixed codes, a match that overlaps itself.
  const Bytes fixed{0x78, 0x9C, 0x4B, 0x4C, 0xC4, 0x04, 0x00, 0x4F, 0xA6, 0x07, 0x95};
  CHECK(unpacked(fixed, std::string(20, 'a')));
  CHECK(!unpacked(fixed, std::string(19, 'a')));
  CHECK(!unpacked(fixed, std::string(21, 'a')));
  CHECK(!unpacked({0x78, 0x9C}, ""));
  CHECK(!unpacked({0x78, 0x9D, 3, 0, 0, 0, 0, 1}, ""));  // a wrong head
  CHECK(unpacked({0x78, 0x9C, 3, 0, 0, 0, 0, 1}, ""));
  CHECK(!unpacked({0x78, 0x9C, 7, 0, 0, 0, 0, 1}, ""));     // a block of no kind
  CHECK(!unpacked({0x78, 0x9C, 3, 0, 0, 0, 0, 2}, ""));     // a wrong check sum
  CHECK(!unpacked({0x78, 0x9C, 3, 0, 0, 0, 0, 1, 0}, ""));  // more behind it
  for (std::size_t cut = 0; cut < fixed.size(); ++cut)
    CHECK(!unpacked(Bytes(fixed.begin(), fixed.begin() + static_cast<std::ptrdiff_t>(cut)), std::string(20, 'a')));
}

void test_pixels() {
  Bytes out;
  CHECK(decoded(png(), out));
  CHECK(out == Bytes({1, 2, 3, 4, 5, 6, 11, 12, 13, 254, 0, 2}));
  CHECK(decoded(png(), out, 1));
  CHECK(out == Bytes({2, 5, 12, 76}));
}

void test_damage() {
  const Bytes whole = png();
  Bytes out;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CHECK(!decoded(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at)), out));
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = whole;
      flipped[at] = static_cast<uint8_t>(flipped[at] ^ (1 << bit));
      CHECK(!decoded(flipped, out));  // each byte is under a check sum, or a check sum
    }
  }
  // Random bytes in the place of the packed ones, under right sums: nothing may be read or written outside.
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::srand(seed);
    Bytes packed{0x78, 0x9C};
    for (int i = 0; i < 60; ++i) packed.push_back(static_cast<uint8_t>(std::rand()));
    Bytes made(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(pt::kPngHeaderBytes));
    append(made, chunk("IDAT", packed));
    append(made, chunk("IEND", {}));
    CHECK(!decoded(made, out));
  }
}

void test_files() {
  char folder[] = "/tmp/pictures_test_XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  const std::string good = std::string(folder) + "/good.png", none = std::string(folder) + "/none.png";
  const Bytes content = png();
  std::FILE* file = std::fopen(good.c_str(), "wb");
  CHECK_EQ(std::fwrite(content.data(), 1, content.size(), file), content.size());
  std::fclose(file);
  for (const bool parallel : {false, true}) {
    std::vector<const char*> paths(50, good.c_str());
    paths[7] = none.c_str();
    paths[8] = folder;
    Bytes out(paths.size() * 12), done(paths.size(), 2);
    pt::read_picture_files({paths, 2, 2, 3, out.data(), done.data()}, parallel);
    for (std::size_t i = 0; i < paths.size(); ++i) CHECK_EQ(int{done[i]}, i == 7 || i == 8 ? 0 : 1);
    CHECK_EQ(int{out.back()}, 2);
    pt::read_picture_files({paths, 2, 3, 3, out.data(), done.data()}, parallel);  // of another size
    for (const uint8_t one : done) CHECK_EQ(int{one}, 0);
  }
  std::remove(good.c_str());
  std::remove(folder);
}

}  // namespace

int main() {
  test_checksums();
  test_inflate();
  test_pixels();
  test_damage();
  test_files();
  return pt::check::finish();
}
