// Numbers, shapes and attributes from Python objects. Whatever the object does when it is asked, the answer is a number
// or an error of ours; an interrupt alone passes through.
#include "bindings/bindings.h"
#include "core/error.h"

namespace pt::bindings {
namespace {

constexpr std::size_t kShown = 80;  // characters of a refused value in a message

// True after the object itself failed at being a number or a sequence.
bool failed() {
  if (!PyErr_Occurred()) return false;
  if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) || PyErr_ExceptionMatches(PyExc_SystemExit)) {
    throw py::error_already_set();
  }
  PyErr_Clear();
  return true;
}

std::optional<double> number_of(py::handle object) {
  PyObject* p = object.ptr();
  if (PyFloat_Check(p)) return PyFloat_AS_DOUBLE(p);
  if (PyBool_Check(p) || is_tensor(object) || PyUnicode_Check(p) || PyBytes_Check(p)) return std::nullopt;
  if (!PyIndex_Check(p) && !py::hasattr(object, "__float__")) return std::nullopt;
  const double value = PyFloat_AsDouble(p);
  return failed() ? std::nullopt : std::optional(value);
}

}  // namespace

PyTypeObject*& type_of_sizes() {
  static PyTypeObject* type = &PyLong_Type;
  return type;
}

py::object number_of_elements(int64_t size) {
  PyObject* number = PyLong_FromLongLong(size);
  if (!number) throw py::error_already_set();
  const py::object held = py::reinterpret_steal<py::object>(number);
  if (type_of_sizes() == &PyLong_Type) return held;
  PyObject* made = PyObject_CallOneArg(reinterpret_cast<PyObject*>(type_of_sizes()), number);
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

std::string shown(py::handle object) {
  const py::object text = py::reinterpret_steal<py::object>(PyObject_Repr(object.ptr()));
  if (failed() || !text) return Py_TYPE(object.ptr())->tp_name;
  Py_ssize_t size = 0;
  const char* characters = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (failed() || !characters) return Py_TYPE(object.ptr())->tp_name;
  if (static_cast<std::size_t>(size) <= kShown) return std::string(characters, static_cast<std::size_t>(size));
  std::size_t end = kShown;
  while (end > 0 && (characters[end] & 0xC0) == 0x80) --end;  // not within a character
  return std::string(characters, end) + "...";
}

std::optional<int64_t> integer_of(py::handle object) {
  if (!PyIndex_Check(object.ptr()) || PyBool_Check(object.ptr())) return std::nullopt;
  const py::object integer = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (failed()) return std::nullopt;
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
  return failed() || overflow ? std::nullopt : std::optional(value);
}

std::optional<Ints> integers_of(py::handle object) {
  if (const auto one = integer_of(object)) return Ints{*one};
  if (!PySequence_Check(object.ptr()) || PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr()))
    return std::nullopt;
  const py::object items = py::reinterpret_steal<py::object>(PySequence_Tuple(object.ptr()));
  if (failed()) return std::nullopt;
  Ints integers;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.ptr()); ++i) {
    const auto value = integer_of(PyTuple_GET_ITEM(items.ptr(), i));
    if (!value) return std::nullopt;
    integers.push_back(*value);
  }
  return integers;
}

Shape to_shape(py::handle object, const std::string& where) {
  const auto sizes = integers_of(object);
  if (!sizes)
    throw DTypeError(text("[", where, "] shape = ", shown(object),
                          "; expected an integer or a tuple of integers; pass a tuple such as (2, 3)"));
  if (sizes->size() > static_cast<std::size_t>(kMaxDims))
    throw ShapeError(
        text("[", where, "] received ", sizes->size(), " axes; expected at most ", kMaxDims, "; use fewer"));
  for (int64_t n : *sizes) {
    if (n < 0)
      throw ShapeError(
          text("[", where, "] shape holds ", n, "; expected sizes of at least 0; pass a tuple such as (2, 3)"));
  }
  const Shape shape(*sizes);
  count(shape);  // throws for sizes that nothing could hold
  return shape;
}

DType dtype_or(py::handle object, DType preset, const std::string& where) {
  if (object.is_none()) return preset;
  if (auto dtype = to_dtype(object)) return *dtype;
  throw DTypeError(text("[", where, "] dtype = ", shown(object), "; expected a dtype; for example 'float32'"));
}

Attr to_attr(const Op& op, const AttrSpec& spec, py::handle value) {
  if (value.is_none()) return std::monostate{};
  auto refuse = [&](const char* expected) -> Attr {
    const py::object said = py::module_::import("powertrain.errors.arguments").attr("advice")(op.name, spec.name);
    throw DTypeError(text("[", op.name, "] ", spec.name, " = ", shown(value), "; expected ", expected, "; ",
                          said.is_none() ? "pass a value of that type" : py::cast<std::string>(said)));
  };
  switch (spec.kind) {
    case AttrKind::Bool:
      if (PyBool_Check(value.ptr())) return value.ptr() == Py_True;
      return refuse("True or False");
    case AttrKind::Int:
      if (const auto integer = integer_of(value)) return *integer;
      return refuse("an integer of 64 bits");
    case AttrKind::Number:
      if (const auto number = number_of(value)) return *number;
      return refuse("a number");
    case AttrKind::String:
      if (PyUnicode_Check(value.ptr())) return py::cast<std::string>(value);
      return refuse("a string");
    case AttrKind::DType:
      if (auto dtype = to_dtype(value)) return *dtype;
      return refuse("a dtype such as 'float32'");
    case AttrKind::Ints:
      if (auto integers = integers_of(value)) return *std::move(integers);
      return refuse("an integer or a tuple of integers");
  }
  return std::monostate{};
}

}  // namespace pt::bindings
