// Reading of PNG and JPEG files without the interpreter's lock. What is not read here, Pillow reads:
// python/powertrain/data/pictures.py.
#include <cstring>
#include <memory>

#include "bindings/bindings.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "pictures/files.h"
#include "pictures/inflate.h"
#include "pictures/png.h"

namespace pt::bindings {
namespace {

void check_channels(int64_t channels, const char* where) {
  if (channels != 1 && channels != 3)
    throw ShapeError(text("[", where, "] ", channels, " channels; expected 1 or 3; 3 are RGB, 1 is grey"));
}

// The paths as the system takes them; the list must be kept meanwhile.
std::vector<const char*> c_paths(const std::vector<py::bytes>& paths) {
  std::vector<const char*> made;
  made.reserve(paths.size());
  for (const py::bytes& path : paths) {
    char* text = nullptr;
    if (PyBytes_AsStringAndSize(path.ptr(), &text, nullptr) != 0) throw py::error_already_set();  // of a NUL too
    made.push_back(text);
  }
  return made;
}

std::vector<std::size_t> read_files(const std::vector<py::bytes>& paths, const py::buffer& out, bool parallel) {
  const py::buffer_info info = out.request(true);
  const bool grey = info.ndim == 3, bytes = info.itemsize == 1 && PyBuffer_IsContiguous(info.view(), 'C');
  if (!bytes || (!grey && info.ndim != 4) || info.shape[0] != static_cast<py::ssize_t>(paths.size()))
    throw ShapeError(text("[read_picture_files] an array of ", info.ndim, " axes for ", paths.size(),
                          " paths; expected bytes [paths, height, width, 3] or [paths, height, width], row-major; make "
                          "them with numpy.empty"));
  if (!grey) check_channels(info.shape[3] == 3 ? 3 : 0, "read_picture_files");
  std::vector<uint8_t> done(paths.size());
  const PictureFiles files{c_paths(paths), static_cast<uint32_t>(info.shape[1]), static_cast<uint32_t>(info.shape[2]),
                           grey ? 1 : 3,   static_cast<uint8_t*>(info.ptr),      done.data()};
  {
    const OutsideInterpreter outside;
    read_picture_files(files, parallel);
  }
  std::vector<std::size_t> left;
  for (std::size_t number = 0; number < done.size(); ++number)
    if (!done[number]) left.push_back(number);
  return left;
}

py::object decode(const py::bytes& content, int channels) {
  check_channels(channels, "decode_png");
  char* given = nullptr;
  py::ssize_t size = 0;
  if (PyBytes_AsStringAndSize(content.ptr(), &given, &size) != 0) throw py::error_already_set();
  PngHeader header;
  const auto count = static_cast<std::size_t>(size);
  if (!read_png_header(reinterpret_cast<const uint8_t*>(given), count, header)) return py::none();
  const uint64_t pixels = static_cast<uint64_t>(header.width) * header.height;
  const auto made = py::reinterpret_steal<py::object>(
      PyBytes_FromStringAndSize(nullptr, static_cast<py::ssize_t>(pixels * static_cast<uint64_t>(channels))));
  if (!made) throw py::error_already_set();
  auto* out = reinterpret_cast<uint8_t*>(PyBytes_AS_STRING(made.ptr()));
  bool noted = false, decoded = false;
  {
    const OutsideInterpreter outside;
    const auto file = std::make_unique_for_overwrite<uint8_t[]>(count + kInflateSlack);
    std::memcpy(file.get(), given, count);
    decoded = decode_png(file.get(), count, header, channels, out, noted);
  }
  if (!decoded || noted) return py::none();
  return py::make_tuple(made, header.width, header.height);
}

}  // namespace

void register_pictures(py::module_& m) {
  m.def("read_picture_files", &read_files, py::arg("paths"), py::arg("out"), py::arg("parallel"),
        "Read PNG files of the size of `out`, bytes [paths, height, width, 3] or [paths, height, width] (grey), into "
        "it, and "
        "JPEG files, which are brought to that size. Gives the numbers of those that are left to Pillow.");
  m.def("decode_png", &decode, py::arg("content"), py::arg("channels"),
        "The pixels of a PNG file as bytes, RGB (3 channels) or grey (1), with width and height; None for one that is "
        "left to Pillow.");
}

}  // namespace pt::bindings
