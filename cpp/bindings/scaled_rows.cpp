// Rows of an array as scaled floats, without the interpreter's lock: what the loader makes batches of.
#include <array>

#include "bindings/bindings.h"
#include "core/error.h"
#include "core/integers.h"
#include "core/interpreter.h"
#include "ops/scaled_rows/desc.h"
#include "parallel/float_mode.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"

namespace pt::bindings {
namespace {

constexpr int64_t kElementsOfChunk = 1 << 14;
constexpr int64_t kElementsToShare = 1 << 18;  // less is done before another thread has begun

bool plain(const py::buffer_info& info, char kind) {
  const bool wide = kind == 'l' && info.itemsize == 8 && (info.format == "l" || info.format == "q");
  return (wide || info.format == std::string(1, kind)) && PyBuffer_IsContiguous(info.view(), 'C');
}

void check_rows(const int64_t* rows, int64_t count, int64_t length) {
  for (int64_t i = 0; i < count; ++i)
    if (rows[i] < -length || rows[i] >= length)
      throw IndexError(text("[scaled_rows] row ", rows[i], " of ", length, " rows; expected one from 0 to ", length - 1,
                            "; ask for rows that are there"));
}

void scaled_rows(const py::buffer& table, const py::buffer& rows, const py::buffer& numbers, const py::buffer& out,
                 bool parallel) {
  const py::buffer_info x = table.request(), at = rows.request(), scale = numbers.request(), made = out.request(true);
  const bool bytes = x.ndim > 0 && plain(x, 'B');
  const bool known = (bytes || (x.ndim > 0 && plain(x, 'f'))) && at.ndim == 1 && plain(at, 'l') && scale.ndim == 2 &&
                     scale.shape[0] == 3 && scale.shape[1] > 0 && plain(scale, 'f') && plain(made, 'f');
  const int64_t width = known && x.shape[0] > 0 ? x.size / x.shape[0] : 0;
  if (!known || made.size != at.size * width)
    throw ShapeError(
        "[scaled_rows] arrays of other dtypes or sizes; expected bytes or f32 [n, ...], rows i64 [m], numbers "
        "f32 [3, k] and out f32 [m, ...], all row-major; make them with numpy.ascontiguousarray");
  const auto* row = static_cast<const int64_t*>(at.ptr);
  check_rows(row, at.size, x.shape[0]);
  if (made.size == 0) return;
  auto* number = static_cast<char*>(scale.ptr);
  const int64_t step = scale.shape[1] * static_cast<int64_t>(sizeof(float));
  const std::array<char*, 6> data{static_cast<char*>(x.ptr), static_cast<char*>(at.ptr),  number, number + step,
                                  number + 2 * step,         static_cast<char*>(made.ptr)};
  const int64_t chunk = kElementsOfChunk > width ? kElementsOfChunk / width : 1;
  const ScaledRowsDesc desc{x.shape[0], at.size, width, scale.shape[1], chunk};
  uint32_t status = 0;
  const KernelArgs args{data.data(), &desc, nullptr, &status};
  const KernelFn kernel = kernels_of("scaled_rows", current_isa())[bytes ? 0 : 1];
  const OutsideInterpreter outside;
  const DefaultFloatMode mode;
  parallel = parallel && made.size >= kElementsToShare;
  const PoolRun run(parallel);
  Pool::instance().run(kernel, args, ceil_div(at.size, chunk), 0, parallel);
}

}  // namespace

void register_scaled_rows(py::module_& m) {
  m.def("scaled_rows", &scaled_rows, py::arg("table"), py::arg("rows"), py::arg("numbers"), py::arg("out"),
        py::arg("parallel"),
        "Write rows of a table of bytes or f32 into `out` (f32): (x - numbers[0]) * numbers[1] + numbers[2], whose "
        "numbers repeat along a row.");
}

}  // namespace pt::bindings
