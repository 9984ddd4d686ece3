// The short way of a call from Python: what was called before with inputs and attributes like these goes to what is
// kept of it (ops/prepared.h), and no attribute is made. Anything unusual takes the long way, which knows the errors.
#include "bindings/prepared_call.h"

#include <algorithm>
#include <array>
#include <optional>

#include "ops/key_words.h"
#include "ops/recorder.h"
#include "ops/tape.h"

namespace pt::bindings {
namespace {

constexpr std::size_t kMostArguments = 16;

// What is given for each input and attribute, in the order of the spec; null for what is left out.
using Arguments = std::array<PyObject*, kMostArguments>;

std::string_view characters_of(PyObject* text) {
  Py_ssize_t size = 0;
  const char* characters = PyUnicode_AsUTF8AndSize(text, &size);
  if (!characters) PyErr_Clear();  // halves of pairs, which have no UTF-8
  return {characters, characters ? static_cast<std::size_t>(size) : 0};
}

std::optional<std::size_t> position_of(const Op& op, std::string_view name) {
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    if (op.inputs[i].name == name) return i;
  }
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    if (op.attrs[i].name == name) return op.inputs.size() + i;
  }
  return std::nullopt;
}

bool place(const Op& op, Operands operands, PyObject* const* args, std::size_t given, PyObject* names,
           Arguments& placed) {
  const std::size_t all = op.inputs.size() + op.attrs.size();
  if (all > kMostArguments || given > all) return false;
  std::fill_n(placed.begin(), all, nullptr);
  for (std::size_t i = 0; i < given; ++i) placed[operands == Operands::Reversed && i < 2 ? 1 - i : i] = args[i];
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t k = 0; k < named; ++k) {
    const auto position = position_of(op, characters_of(PyTuple_GET_ITEM(names, k)));
    if (!position || placed[*position]) return false;
    placed[*position] = args[given + static_cast<std::size_t>(k)];
  }
  return true;
}

class Inputs {
 public:
  bool add(const Op& op, const InputSpec& spec, PyObject* value) {
    if (count_ == kMostPreparedInputs) return false;
    Tensor& held = held_[count_];
    const Tensor* input = &held;
    if (!value || value == Py_None) {
      if (!spec.optional) return false;
    } else if (is_tensor(value)) {
      input = &unwrap(value);
    } else if (is_slot(value)) {
      if (active_recorder()) return false;  // which listens to who reads it
      held = as_written(slot_of(value).current());
    } else if (is_number(value)) {
      held = to_tensor(value, op.name);
    } else {
      return false;
    }
    all_[count_++] = input;
    return true;
  }
  bool add_list(const Op& op, PyObject* value) {
    if (!value || (!PyList_CheckExact(value) && !PyTuple_CheckExact(value))) return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); ++i) {
      if (!add(op, op.inputs[0], PySequence_Fast_GET_ITEM(value, i))) return false;
    }
    return true;
  }
  std::span<const Tensor* const> all() const { return {all_.data(), count_}; }

 private:
  std::size_t count_ = 0;
  std::array<const Tensor*, kMostPreparedInputs> all_;
  std::array<Tensor, kMostPreparedInputs> held_;
};

bool is_integer(PyObject* value, int64_t& integer) {
  if (!is_plain_int(value)) return false;
  int overflow = 0;
  integer = PyLong_AsLongLongAndOverflow(value, &overflow);
  return !overflow;
}

bool append_integers(CallKey& key, PyObject* value) {
  std::array<int64_t, kMaxDims> integers;
  if (is_integer(value, integers[0])) {
    append(key, std::span<const int64_t>(integers.data(), 1));
    return true;
  }
  if (!PyTuple_CheckExact(value) && !PyList_CheckExact(value)) return false;
  const auto n = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(value));
  if (n > integers.size()) return false;
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_integer(PySequence_Fast_GET_ITEM(value, static_cast<Py_ssize_t>(i)), integers[i])) return false;
  }
  append(key, std::span<const int64_t>(integers.data(), n));
  return true;
}

bool append_number(CallKey& key, PyObject* value) {
  int64_t integer = 0;
  if (PyFloat_CheckExact(value)) {
    append(key, PyFloat_AS_DOUBLE(value));
  } else if (is_integer(value, integer)) {
    append(key, static_cast<double>(integer));
  } else {
    return false;
  }
  return true;
}

bool append_dtype(CallKey& key, PyObject* value) {
  DType dtype = DType::F32;
  if (is_dtype(value)) {
    dtype = dtype_of(value);
  } else if (!PyUnicode_CheckExact(value) || !parse_dtype(characters_of(value), dtype)) {
    return false;
  }
  append(key, dtype);
  return true;
}

// The words of the attribute that `to_attr` would make; false for a value that takes its care.
bool append_attribute(CallKey& key, AttrKind kind, PyObject* value) {
  if (value == Py_None) {
    append(key, std::monostate());
    return true;
  }
  int64_t integer = 0;
  switch (kind) {
    case AttrKind::Bool:
      if (!PyBool_Check(value)) return false;
      append(key, value == Py_True);
      return true;
    case AttrKind::Int:
      if (!is_integer(value, integer)) return false;
      append(key, integer);
      return true;
    case AttrKind::Number:
      return append_number(key, value);
    case AttrKind::String: {
      const std::string_view characters = PyUnicode_CheckExact(value) ? characters_of(value) : std::string_view();
      if (characters.data() == nullptr) return false;
      append(key, characters);
      return true;
    }
    case AttrKind::Ints:
      return append_integers(key, value);
    case AttrKind::DType:
      return append_dtype(key, value);
  }
  return false;
}

}  // namespace

bool call_prepared(const Op& op, Operands operands, PyObject* const* args, std::size_t given, PyObject* names,
                   PreparedResults& results) {
  Arguments placed;
  if (!place(op, operands, args, given, names, placed)) return false;
  const std::size_t n = op.inputs.size();
  Inputs inputs;
  for (std::size_t i = 0; i < n; ++i) {
    if (!(op.inputs[i].list ? inputs.add_list(op, placed[i]) : inputs.add(op, op.inputs[i], placed[i]))) return false;
  }
  CallKey key;
  if (!key.set(op, inputs.all())) return false;
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    if (!placed[n + i]) continue;
    key.push_back(static_cast<int64_t>(i));
    if (!append_attribute(key, op.attrs[i].kind, placed[n + i])) return false;
  }
  return key.fits() && run_prepared(key, op, inputs.all(), results);
}

}  // namespace pt::bindings
