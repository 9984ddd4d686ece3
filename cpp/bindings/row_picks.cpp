// Rows of arrays by their numbers, without the interpreter's lock: what batches of examples in memory are made of.
#include <pybind11/numpy.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "bindings/bindings.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "core/shuffle.h"

namespace pt::bindings {
namespace {

using Rows = py::array_t<int64_t, py::array::c_style | py::array::forcecast>;

constexpr int64_t kBlock = 32;       // rows of one array before those of the next one: fields of a record share a line
constexpr int64_t kQuick = 1 << 16;  // bytes that are copied before another thread could take the lock
constexpr int64_t kLongestAhead = 64;  // bytes of a row that are asked for ahead

// One array, whose rows may lie apart from each other, and where its chosen rows go.
struct Field {
  const char* from;
  int64_t step, width;
  char* to;
};

template <int64_t kWidth>
void copy_fixed(const Field& field, const int64_t* rows, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    std::memcpy(field.to + i * kWidth, field.from + rows[i] * field.step, static_cast<size_t>(kWidth));
}

void copy_rows(const Field& field, const int64_t* rows, int64_t begin, int64_t end) {
  switch (field.width) {
    case 4:
      return copy_fixed<4>(field, rows, begin, end);
    case 8:
      return copy_fixed<8>(field, rows, begin, end);
    case 16:
      return copy_fixed<16>(field, rows, begin, end);
    case 32:
      return copy_fixed<32>(field, rows, begin, end);
    default:
      break;
  }
  for (int64_t i = begin; i < end; ++i)
    std::memcpy(field.to + i * field.width, field.from + rows[i] * field.step, static_cast<size_t>(field.width));
}

// Numbers below 0 count from the end.
std::vector<int64_t> counted(const Rows& rows, int64_t length) {
  std::vector<int64_t> made(rows.data(), rows.data() + rows.size());
  for (int64_t& row : made) {
    if (row < -length || row >= length)
      throw IndexError(text("[take_rows] row ", row, " of ", length, " rows; expected one from ", -length, " to ",
                            length - 1, "; ask for rows that are there"));
    row += row < 0 ? length : 0;
  }
  return made;
}

// The bytes of a row, where they lie side by side.
int64_t row_bytes(const py::array& table) {
  int64_t width = table.itemsize();
  bool dense = table.ndim() > 0 && !table.dtype().attr("hasobject").cast<bool>();
  for (py::ssize_t axis = table.ndim() - 1; dense && axis > 0; --axis) {
    dense = table.shape(axis) <= 1 || table.strides(axis) == width;
    width *= table.shape(axis);
  }
  if (!dense)
    throw ShapeError(
        "[take_rows] an array whose rows do not lie side by side in memory, or one of objects; expected numbers [n, "
        "...]; make it with numpy.ascontiguousarray");
  return width;
}

py::list take_rows(const std::vector<py::array>& tables, const Rows& rows) {
  py::list made;
  if (tables.empty()) return made;
  const int64_t length = tables[0].ndim() > 0 ? tables[0].shape(0) : 0, count = rows.size();
  std::vector<Field> fields;
  int64_t bytes = 0;
  for (const py::array& table : tables) {
    const int64_t width = row_bytes(table);
    if (rows.ndim() != 1 || table.shape(0) != length)
      throw ShapeError(text("[take_rows] arrays of ", length, " and ", table.shape(0), " rows, and row numbers with ",
                            rows.ndim(),
                            " axes; expected as many rows in each, and one axis; pass fields of the same "
                            "examples"));
    std::vector<py::ssize_t> shape(table.shape(), table.shape() + table.ndim());
    shape[0] = count;
    py::array out(table.dtype(), std::move(shape));
    fields.push_back(
        {static_cast<const char*>(table.data()), table.strides(0), width, static_cast<char*>(out.mutable_data())});
    bytes += width * count;
    made.append(std::move(out));
  }
  const std::vector<int64_t> own = counted(rows, length);
  std::optional<OutsideInterpreter> outside;
  if (bytes > kQuick) outside.emplace();
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, count), further = std::min(end + kBlock, count);
    for (const Field& field : fields) {
      if (field.width <= kLongestAhead)  // of longer rows the processor sees by itself what comes next
        for (int64_t i = end; i < further; ++i)
          __builtin_prefetch(field.from + own[static_cast<size_t>(i)] * field.step);
      copy_rows(field, own.data(), begin, end);
    }
  }
  return made;
}

py::array_t<int64_t> random_rows(int64_t below, int64_t count, uint64_t seed, uint64_t stream, uint64_t first,
                                 int64_t calls) {
  if (below < 1 || count < 0 || calls < 0)
    throw ShapeError(text("[random_rows] ", calls, " times ", count, " rows of ", below,
                          "; expected numbers >= 0 of at least one row; append rows first"));
  py::array_t<int64_t> made({calls, count});
  std::vector<uint64_t> words(static_cast<size_t>(count));
  int64_t* out = made.mutable_data();
  for (int64_t call = 0; call < calls; ++call) {
    random_words(seed, stream, first + static_cast<uint64_t>(call), words.data(), count);
    for (const uint64_t word : words) *out++ = static_cast<int64_t>(word % static_cast<uint64_t>(below));
  }
  return made;
}

}  // namespace

void register_row_picks(py::module_& m) {
  m.def("take_rows", &take_rows, py::arg("tables"), py::arg("rows"),
        "The rows of each of some arrays, which have as many rows each.");
  m.def("random_rows", &random_rows, py::arg("below"), py::arg("count"), py::arg("seed"), py::arg("stream"),
        py::arg("first"), py::arg("calls"),
        "Random rows of so many, [calls, count], by the words of as many calls of `random_words`.");
}

}  // namespace pt::bindings
