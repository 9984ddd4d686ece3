// Random orders of rows, without the interpreter's lock: what the loader makes in each epoch.
#include <pybind11/numpy.h>

#include "bindings/bindings.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "core/shuffle.h"

namespace pt::bindings {
namespace {

using Words = py::array_t<uint64_t, py::array::c_style | py::array::forcecast>;
using Rows = py::array_t<int64_t>;

constexpr int64_t kQuick = 4096;  // words that take less time than another thread needs to take the lock

// Runs without the interpreter's lock what is worth it.
template <class Function>
void unlocked(int64_t words, const Function& function) {
  std::optional<OutsideInterpreter> outside;
  if (words > kQuick) outside.emplace();
  function();
}

Rows permutation(int64_t count, uint64_t seed, uint64_t stream, uint64_t call) {
  if (count < 0)
    throw ShapeError(text("[permutation] ", count, " rows; expected a number >= 0; pass how many there are"));
  Rows made(count);
  int64_t* rows = made.mutable_data();
  unlocked(count, [&] {
    std::vector<uint64_t> words(static_cast<size_t>(count));
    random_words(seed, stream, call, words.data(), count);
    sorting_order(words.data(), rows, count);
  });
  return made;
}

py::array_t<uint64_t> words_of(int64_t count, uint64_t seed, uint64_t stream, uint64_t call) {
  if (count < 0)
    throw ShapeError(text("[random_words] ", count, " words; expected a number >= 0; pass how many there are"));
  py::array_t<uint64_t> made(count);
  uint64_t* words = made.mutable_data();
  unlocked(count, [&] { random_words(seed, stream, call, words, count); });
  return made;
}

Rows order_of(const Words& words) {
  Rows made(words.size());
  int64_t* rows = made.mutable_data();
  const uint64_t* values = words.data();
  const int64_t count = words.size();
  unlocked(count, [&] { sorting_order(values, rows, count); });
  return made;
}

}  // namespace

void register_shuffles(py::module_& m) {
  m.def("permutation", &permutation, py::arg("count"), py::arg("seed"), py::arg("stream"), py::arg("call"),
        "A random order of range(count).");
  m.def("random_words", &words_of, py::arg("count"), py::arg("seed"), py::arg("stream"), py::arg("call"),
        "Random words of u64, by which `permutation` sorts.");
  m.def("sorting_order", &order_of, py::arg("words"), "The stable order that sorts words of u64.");
}

}  // namespace pt::bindings
