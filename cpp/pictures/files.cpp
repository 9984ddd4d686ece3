// Files are opened as python/powertrain/io/inputs.py does: nothing but regular files, which are read and never mapped.
#include "pictures/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "parallel/pool.h"
#include "pictures/inflate.h"
#include "pictures/jpeg.h"
#include "pictures/jpeg_codes.h"
#include "pictures/kernels.h"
#include "pictures/png.h"
#include "pictures/resize.h"

namespace pt {
namespace {

constexpr int64_t kFilesOfChunk = 4;
static_assert(kJpegSlack <= kInflateSlack);

class File {
 public:
  explicit File(const char* path) {
    struct stat status;
    // Before it is opened, which some devices take as an order; and after, since what is there may have changed.
    if (::stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return;
    handle_ = ::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (handle_ < 0 || ::fstat(handle_, &status) != 0 || !S_ISREG(status.st_mode)) return;
    size_ = static_cast<std::size_t>(std::max<int64_t>(0, status.st_size));
  }
  ~File() {
    if (handle_ >= 0) ::close(handle_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::size_t size() const { return size_; }  // 0 where there is nothing to read

  // How many bytes from here on came, at most `count`.
  std::size_t read(uint8_t* out, std::size_t count) const {
    std::size_t got = 0;
    while (got < count) {
      const ssize_t more = ::read(handle_, out + got, count - got);
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
    return got;
  }

 private:
  int handle_ = -1;
  std::size_t size_ = 0;
};

// Memory for a file, used for one after the other.
struct Content {
  std::unique_ptr<uint8_t[]> bytes;
  std::size_t room = 0;

  uint8_t* reserve(std::size_t count) {
    if (count > room) {
      bytes = std::make_unique_for_overwrite<uint8_t[]>(count);
      room = count;
    }
    return bytes.get();
  }
};

bool is_jpeg(const uint8_t* bytes) { return bytes[0] == 0xFF && bytes[1] == 0xD8; }

bool read_one(const PictureFiles& files, std::size_t number, Content& content, const KernelFn* kernels,
              JpegTables& tables, CenterResizedRows& rows) {
  const File file(files.paths[number]);
  const std::size_t size = file.size();
  if (size < kPngHeaderBytes || size > kMostPngBytes) return false;
  uint8_t* bytes = content.reserve(size + kInflateSlack);
  const std::size_t first = std::min<std::size_t>(size, std::size_t{1} << 16);
  if (file.read(bytes, first) != first) return false;
  // Of a large file of another size the header alone is read.
  PngHeader header;
  const bool jpeg = is_jpeg(bytes);
  if (!jpeg && (!read_png_header(bytes, size, header) || header.height != files.height || header.width != files.width))
    return false;
  if (file.read(bytes + first, size - first) != size - first) return false;
  const std::size_t picture =
      static_cast<std::size_t>(files.height) * files.width * static_cast<std::size_t>(files.channels);
  uint8_t* out = files.out + number * picture;
  if (jpeg) {
    rows.go_to(out);
    return kernels && decode_jpeg(kernels, tables, bytes, size, files.channels == 1, rows);
  }
  bool noted = false;
  return decode_png(bytes, size, header, files.channels, out, noted);
}

void read_chunk(const KernelArgs* args, int64_t chunk) {
  const auto& files = *static_cast<const PictureFiles*>(args->desc);
  Content content;
  const KernelFn* kernels = picture_kernels();
  JpegTables tables;
  CenterResizedRows rows(kernels, files.height, files.width, files.channels);
  const auto begin = static_cast<std::size_t>(chunk * kFilesOfChunk);
  const std::size_t end = std::min(files.paths.size(), begin + kFilesOfChunk);
  for (std::size_t number = begin; number < end; ++number) {
    try {
      files.done[number] = read_one(files, number, content, kernels, tables, rows);
    } catch (const std::exception&) {  // no memory: Pillow says so
      files.done[number] = 0;
    }
  }
}

}  // namespace

void read_picture_files(const PictureFiles& files, bool parallel) {
  const int64_t chunks = (static_cast<int64_t>(files.paths.size()) + kFilesOfChunk - 1) / kFilesOfChunk;
  uint32_t status = 0;
  const KernelArgs args{nullptr, &files, nullptr, &status};
  const PoolRun run(parallel);
  Pool::instance().run(read_chunk, args, chunks, 0, parallel);
}

}  // namespace pt
