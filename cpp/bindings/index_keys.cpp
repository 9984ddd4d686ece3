// From Python objects to the keys of x[key].
#include <algorithm>

#include "bindings/index.h"
#include "core/error.h"

namespace pt::bindings {
namespace {

Key array_key(Tensor array) {
  const Kind kind = info(array.dtype()).kind;
  if (kind == Kind::Float || kind == Kind::Complex)
    fail_index(text("an index of ", info(array.dtype()).name), "integers or a mask");
  return {py::object(), std::move(array)};
}

// NumPy makes floats of a list without numbers.
Key listed_key(const Tensor& array) {
  const bool nothing = array.size() == 0 && info(array.dtype()).kind == Kind::Float;
  return array_key(nothing ? Tensor::empty({DType::I64, array.shape()}) : array);
}

Key key_of(PyObject* part, PyObject* whole) {
  if (is_plain(part)) return {py::reinterpret_borrow<py::object>(part), Tensor()};
  if (PyBool_Check(part)) return {py::object(), Tensor::full({DType::Bool, {}}, part == Py_True)};
  if (is_tensor(part) || py::isinstance<Slot>(part)) return array_key(to_tensor(part, "index"));
  if (PyIndex_Check(part) && !PySequence_Check(part)) {  // NumPy's integers too, which lend memory as its arrays do
    PyObject* integer = PyNumber_Index(part);
    if (!integer) throw py::error_already_set();
    return {py::reinterpret_steal<py::object>(integer), Tensor()};
  }
  if (PyList_Check(part) || is_array(part)) return listed_key(to_tensor(part, "index", false));
  fail_index(key_words(whole), "integers, slices, None, ..., arrays of integers and masks");
}

}  // namespace

void fail_index(const std::string& received, const std::string& expected) {
  throw IndexError(text("[index] received ", received, "; expected ", expected, "; see help(powertrain.take)"));
}

namespace {

constexpr int kShownLevels = 8;  // of tuples in tuples; nobody reads more, and the depth of a key has no bound

std::string words_of(PyObject* key, int level);

std::string words_of(PlainKeys keys, int level) {
  if (level == kShownLevels) return "...";
  std::string all;
  for (PyObject* key : keys) all += (all.empty() ? "" : ", ") + words_of(key, level + 1);
  return "(" + all + ")";
}

std::string words_of(PyObject* key, int level) {
  if (PyTuple_CheckExact(key)) return words_of(parts_of(key), level);
  if (PySlice_Check(key)) {
    const auto* slice = reinterpret_cast<PySliceObject*>(key);
    const auto part = [&](PyObject* of) { return level == kShownLevels ? "..." : words_of(of, level + 1); };
    return text("slice(", part(slice->start), ", ", part(slice->stop), ", ", part(slice->step), ")");
  }
  const bool says_itself = key == Py_None || key == Py_Ellipsis || is_number(key) || PyUnicode_CheckExact(key);
  return says_itself ? shown(key) : Py_TYPE(key)->tp_name;
}

}  // namespace

std::string key_words(PlainKeys keys) { return words_of(keys, 0); }

std::string key_words(PyObject* key) { return words_of(key, 0); }

bool is_plain(PyObject* key) { return is_plain_int(key) || PySlice_Check(key) || key == Py_None || key == Py_Ellipsis; }

PlainKeys parts_of(PyObject*& key) {
  if (!PyTuple_CheckExact(key)) return {&key, 1};
  return {&PyTuple_GET_ITEM(key, 0), static_cast<std::size_t>(PyTuple_GET_SIZE(key))};
}

Keys keys_of(PyObject* key) {
  Keys keys;
  for (PyObject* part : parts_of(key)) keys.push_back(key_of(part, key));
  return keys;
}

bool has_arrays(const Keys& keys) {
  return std::any_of(keys.begin(), keys.end(), [](const Key& key) { return key.is_array(); });
}

std::vector<PyObject*> plain_of(const Keys& keys) {
  std::vector<PyObject*> plain;
  for (const Key& key : keys) plain.push_back(key.plain.ptr());
  return plain;
}

void check_mask(const Tensor& mask, const Shape& sizes, int axis) {
  Shape covered;
  for (int i = axis; i < std::min(axis + mask.ndim(), sizes.size()); ++i) covered.push_back(sizes[i]);
  if (covered != mask.shape()) fail_index(text("a mask of ", mask.shape()), text("one of ", covered));
}

PyObject* everything() {
  static PyObject* slice = PySlice_New(nullptr, nullptr, nullptr);
  return slice;
}

}  // namespace pt::bindings
