// From Python objects to tensors, and back.
#include "core/convert.h"

#include <pybind11/numpy.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "bindings/crossing.h"
#include "bindings/exchange.h"
#include "bindings/facts.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

std::string type_name(py::handle object) { return Py_TYPE(object.ptr())->tp_name; }

// The dtype of a buffer format such as "<f"; nullopt for formats of other byte orders or kinds.
std::optional<DType> dtype_of_format(const char* format, Py_ssize_t itemsize) {
  if (!format) return DType::U8;
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (format[0] == 'Z' && format[1] != 0 && format[2] == 0) {
    return format[1] == 'f' ? std::optional(DType::C64) : format[1] == 'd' ? std::optional(DType::C128) : std::nullopt;
  }
  if (format[0] == 0 || format[1] != 0) return std::nullopt;
  switch (*format) {
    case '?':
      return DType::Bool;
    case 'e':
      return DType::F16;
    case 'f':
      return DType::F32;
    case 'd':
      return DType::F64;
    case 'B':
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
      return itemsize == 1 ? DType::U8 : itemsize == 2 ? DType::U16 : itemsize == 4 ? DType::U32 : DType::U64;
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q':
      return itemsize == 1 ? DType::I8 : itemsize == 2 ? DType::I16 : itemsize == 4 ? DType::I32 : DType::I64;
    default:
      return std::nullopt;
  }
}

// Whether all bytes are 0 or 1: rows of neighbours by one look at all of them.
bool zeros_and_ones(const uint8_t* at, const Shape& shape, const Strides& strides, int axis) {
  if (axis == shape.size()) return *at <= 1;
  const int64_t n = shape[axis], step = strides[axis];
  if (axis == shape.size() - 1 && step == 1) {
    uint8_t bits = 0;
    for (int64_t i = 0; i < n; ++i) bits |= at[i];
    return bits <= 1;
  }
  for (int64_t i = 0; i < n; ++i) {
    if (!zeros_and_ones(at + i * step, shape, strides, axis + 1)) return false;
  }
  return true;
}

struct HeldBuffer {
  Py_buffer view{};
  bool held = false;
  explicit HeldBuffer(py::handle object) { held = PyObject_GetBuffer(object.ptr(), &view, PyBUF_FULL_RO) == 0; }
  HeldBuffer(const HeldBuffer&) = delete;
  ~HeldBuffer() {
    if (held) with_interpreter([&] { PyBuffer_Release(&view); });
  }
};

// Whether the memory of an array is that of an mmap.mmap: numpy.memmap, its views, and numpy.frombuffer of one.
bool in_mapping(py::handle object) {
  while (true) {
    PyObject* owner = nullptr;
    if (py::isinstance<py::array>(object)) {
      owner = py::detail::array_proxy(object.ptr())->base;
    } else if (PyMemoryView_Check(object.ptr())) {
      owner = PyMemoryView_GET_BUFFER(object.ptr())->obj;
    } else {
      return std::strcmp(Py_TYPE(object.ptr())->tp_name, "mmap.mmap") == 0;
    }
    if (!owner) return false;
    object = owner;
  }
}

// A mapped file can be cut off while a tensor lives, and reading what is gone ends the process: so it is copied.
bool in_mapped_file(py::handle object, const std::string& where) {
  return in_mapping(object) &&
         py::cast<bool>(py::module_::import("powertrain.io.mapped").attr("check_mapped")(object, where));
}

bool is_bfloat16(py::handle object) {
  return py::isinstance<py::array>(object) && py::cast<std::string>(object.attr("dtype").attr("name")) == "bfloat16";
}

// The kind of NumPy's dtype, such as 'f' or 'M'; 0 of what has none.
char numpy_kind(py::handle object) {
  if (!py::hasattr(object, "dtype") || !py::hasattr(object.attr("dtype"), "kind")) return 0;
  const py::object kind = object.attr("dtype").attr("kind");
  return PyUnicode_Check(kind.ptr()) && py::len(kind) == 1 ? py::cast<std::string>(kind)[0] : 0;
}

// How elements that are no numbers become some; empty of other kinds.
const char* way_to_numbers(char kind) {
  switch (kind) {
    case 'M':
      return "count a unit of time: (x - x.min()) / numpy.timedelta64(1, 's')";
    case 'm':
      return "count a unit of time: x / numpy.timedelta64(1, 's')";
    case 'O':
      return "write x.astype('float32') where every element is a number, and give rows of one length";
    case 'S':
    case 'T':
    case 'U':
      return "number the texts: names, x = numpy.unique(x, return_inverse=True)";
    case 'V':
      return "take a field, x['name'], or all: numpy.stack([x[name] for name in x.dtype.names], axis=-1)";
    default:
      return "";
  }
}

// Refuses times, objects, texts and records of NumPy, arrays and single ones, whose bytes are no numbers.
void demand_numbers(py::handle object, const std::string& where) {
  const char kind = numpy_kind(object);
  const char* way = way_to_numbers(kind);
  if (!*way) return;
  const py::object dtype = object.attr("dtype");
  if (kind == 'V' && py::hasattr(dtype, "names") && dtype.attr("names").is_none()) {
    if (!py::cast<std::string>(dtype.attr("name")).starts_with("void")) return;  // bfloat16 and others of ml_dtypes
    way = "say what its bytes are: x.view('float32')";
  }
  throw DTypeError(
      text("[", where, "] received dtype ", py::cast<std::string>(py::str(dtype)), "; expected numbers; ", way));
}

Tensor from_array(py::handle object, const std::string& where, bool converted) {
  auto buffer = std::make_shared<HeldBuffer>(object);
  if (!buffer->held) {
    PyErr_Clear();
    demand_numbers(object, where);
    if (is_bfloat16(object)) {  // of NumPy with ml_dtypes, which has no format for it
      const Tensor bits = from_array(object.attr("view")("uint16"), where, converted);
      return Tensor::view(bits.impl().buffer, {DType::BF16, bits.shape()}, bits.strides(), bits.impl().offset);
    }
    if (lends_memory(object)) return from_dlpack(object, where);
    throw DTypeError(text("[", where,
                          "] received an array whose memory cannot be read; expected numbers in main memory; convert "
                          "it with numpy.asarray"));
  }
  const Py_buffer& view = buffer->view;
  // A single time or record of NumPy lends its bytes, as if it were a row of them.
  if (view.ndim == 1 && !py::isinstance<py::array>(object)) demand_numbers(object, where);
  const std::optional<DType> dtype = dtype_of_format(view.format, view.itemsize);
  if (!dtype) {
    demand_numbers(object, where);
    throw DTypeError(
        text("[", where, "] received an array of format '", view.format,
             "'; expected bool, integers, float16 to float64, complex64 or complex128 in native byte order; "
             "convert it with astype"));
  }
  if (view.ndim > kMaxDims) {
    throw ShapeError(text("[", where, "] received ", view.ndim, " axes; expected at most ", kMaxDims, "; reshape it"));
  }
  const bool in_file = in_mapped_file(object, where);
  bool usable = reinterpret_cast<std::uintptr_t>(view.buf) % static_cast<std::uintptr_t>(view.itemsize) == 0;
  TensorType type{*dtype, {}};
  Strides strides;
  for (int i = 0; i < view.ndim; ++i) {
    type.shape.push_back(view.shape[i]);
    const Py_ssize_t bytes = view.strides ? view.strides[i] : 0;
    usable = usable && bytes % view.itemsize == 0;
    strides.push_back(bytes / view.itemsize);
  }
  if (!view.strides) strides = row_major(type.shape);
  if (!usable) {  // fields of records, and other memory that no kernel could read in place
    if (converted)
      throw DTypeError(text("[", where, "] received memory that is not aligned to its elements; copy the array first"));
    return from_array(py::module_::import("numpy").attr("array")(object), where, true);
  }
  check_type(type, where);
  BufferRef memory =
      Buffer::borrow(view.buf, static_cast<std::size_t>(view.len), [buffer]() mutable { buffer.reset(); });
  const Tensor lent = Tensor::view(std::move(memory), type, strides, 0);
  return with_true_as_one(in_file ? copied(lent) : lent);
}

// NumPy makes floats of a list with integers above and below 2^63, which then have lost their last digits.
bool lost_digits(py::handle list, const py::object& made) {
  if (!PyList_Check(list.ptr()) && !PyTuple_Check(list.ptr())) return false;
  if (py::cast<std::string>(made.attr("dtype").attr("kind")) != "f" || py::cast<py::ssize_t>(made.attr("size")) == 0)
    return false;
  if (!(py::cast<double>(made.attr("max")()) >= 0x1p63)) return false;
  const py::object objects = py::module_::import("numpy").attr("asarray")(list, "object");
  for (py::handle one : objects.attr("flat")) {
    if (!PyLong_Check(one.ptr())) return false;
  }
  return true;
}

// What NumPy itself refuses, like rows of different lengths, is refused in our words.
py::object as_numpy(py::handle object, const std::string& where) {
  const auto refusal = [&](const std::string& why) {
    return DTypeError(text("[", where, "] received ", type_name(object), " that is no array (", why,
                           "); expected numbers in rows of one length; convert it with numpy.asarray first"));
  };
  try {
    const py::object asarray = py::module_::import("numpy").attr("asarray"), made = asarray(object);
    if (!lost_digits(object, made)) return made;
    // NumPy before 2.0 wraps what is below 0.
    if (py::cast<double>(made.attr("min")()) < 0)
      throw refusal("no dtype holds integers below 0 and integers from 2^63 on");
    return asarray(object, "uint64");
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_ValueError) && !e.matches(PyExc_TypeError) && !e.matches(PyExc_OverflowError)) throw;
    throw refusal(py::cast<std::string>(py::str(e.value())));
  }
}

bool is_list(PyObject* object) { return PyList_CheckExact(object) || PyTuple_CheckExact(object); }

// Lists or tuples of floats alone, of integers of 64 bits, or of truths, in rows of one length: what NumPy makes of
// them, without NumPy.
class PlainNumbers {
 public:
  // Undefined for any other list.
  static Tensor of(PyObject* list) {
    PlainNumbers numbers;
    PyObject* first = list;
    while (is_list(first)) {
      const Py_ssize_t size = PySequence_Fast_GET_SIZE(first);
      if (size == 0 || numbers.shape_.size() == kMaxDims) return {};
      numbers.shape_.push_back(size);
      first = PySequence_Fast_GET_ITEM(first, 0);
    }
    numbers.type_ = Py_TYPE(first);
    const bool floats = numbers.type_ == &PyFloat_Type, integers = numbers.type_ == &PyLong_Type;
    if (!floats && !integers && numbers.type_ != &PyBool_Type) return {};
    if (!numbers.is_even(list, 0)) return {};
    const Tensor made = Tensor::empty({floats ? DType::F64 : integers ? DType::I64 : DType::Bool, numbers.shape_});
    numbers.at_ = made.host();
    return numbers.put(list, 0) ? made : Tensor();
  }

 private:
  // Before memory is asked for: the first rows alone say little.
  bool is_even(PyObject* list, int axis) const {
    if (!is_list(list) || PySequence_Fast_GET_SIZE(list) != shape_[axis]) return false;
    PyObject* const* items = PySequence_Fast_ITEMS(list);
    const auto even = [&](PyObject* item) { return is_even(item, axis + 1); };
    return axis + 1 == shape_.size() || std::all_of(items, items + shape_[axis], even);
  }
  bool put(PyObject* list, int axis) {
    PyObject* const* items = PySequence_Fast_ITEMS(list);
    for (int64_t i = 0; i < shape_[axis]; ++i) {
      if (!(axis + 1 < shape_.size() ? put(items[i], axis + 1) : put_number(items[i]))) return false;
    }
    return true;
  }
  bool put_number(PyObject* number) {
    if (Py_TYPE(number) != type_) return false;
    if (type_ == &PyBool_Type) {
      *at_++ = number == Py_True;
      return true;
    }
    int overflow = 0;
    if (type_ == &PyFloat_Type) {
      *reinterpret_cast<double*>(at_) = PyFloat_AS_DOUBLE(number);
    } else {
      *reinterpret_cast<int64_t*>(at_) = PyLong_AsLongLongAndOverflow(number, &overflow);
    }
    at_ += 8;
    return !overflow;
  }

  Shape shape_;
  PyTypeObject* type_ = nullptr;
  char* at_ = nullptr;
};

// Above int64 there is uint64.
Tensor large_integer(py::handle object, const std::string& where) {
  const unsigned long long value = PyLong_AsUnsignedLongLong(object.ptr());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    throw OverflowError(
        text("[", where, "] received an integer beyond 64 bits; expected one that int64 or uint64 holds; use a float"));
  }
  Tensor number = Tensor::scalar(0, DType::U64, true);
  std::memcpy(number.host(), &value, sizeof(value));
  return number;
}

Tensor complex_scalar(Py_complex value) {
  Tensor number = Tensor::scalar(0, DType::C128, true);
  std::memcpy(number.host(), &value, sizeof(value));
  return number;
}

}  // namespace

Tensor with_true_as_one(const Tensor& lent) {
  if (lent.dtype() != DType::Bool || count(lent.shape()) == 0) return lent;
  // On a device they are copied, since to look at them would wait for it.
  if (lent.impl().buffer->on_host() &&
      zeros_and_ones(reinterpret_cast<const uint8_t*>(lent.host()), lent.shape(), lent.strides(), 0)) {
    return lent;
  }
  const TensorType bytes_type{DType::U8, lent.shape()};
  return converted(Tensor::view(lent.impl().buffer, bytes_type, lent.strides(), lent.impl().offset), DType::Bool);
}

bool is_number(py::handle object) {
  return PyFloat_CheckExact(object.ptr()) || is_plain_int(object.ptr()) || PyBool_Check(object.ptr()) ||
         PyComplex_CheckExact(object.ptr());
}

bool is_array(py::handle object) {
  if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr())) return false;
  return PyObject_CheckBuffer(object.ptr()) || py::hasattr(object, "__dlpack__") || py::hasattr(object, "__array__") ||
         has_cuda_array(object);
}

Tensor to_tensor(py::handle object, const std::string& where, bool default_float) {
  if (is_tensor(object)) {
    note_constant(unwrap(object));
    return unwrap(object);
  }
  if (PyBool_Check(object.ptr())) return Tensor::scalar(object.ptr() == Py_True, DType::Bool, true);
  if (PyFloat_CheckExact(object.ptr())) return Tensor::scalar(PyFloat_AS_DOUBLE(object.ptr()), DType::F64, true);
  if (PyComplex_CheckExact(object.ptr())) return complex_scalar(PyComplex_AsCComplex(object.ptr()));
  if (is_plain_int(object.ptr())) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
    if (overflow) return large_integer(object, where);
    Tensor number = Tensor::scalar(0, DType::I64, true);
    std::memcpy(number.host(), &value, sizeof(value));
    return number;
  }
  if (is_slot(object)) return read_slot(slot_of(object).shared_from_this());
  if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr())) {
    throw DTypeError(text("[", where, "] received ", type_name(object),
                          "; expected a tensor, an array or a number; convert it first"));
  }
  if (PyObject_CheckBuffer(object.ptr())) return from_array(object, where, false);
  if (lends_memory(object)) return from_dlpack(object, where);
  if (has_cuda_array(object)) return with_true_as_one(from_cuda_array(object, where));
  const bool listed = PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
  if (listed || py::hasattr(object, "__array__")) {
    Tensor made = listed ? PlainNumbers::of(object.ptr()) : Tensor();
    if (!made.defined()) made = own(from_array(as_numpy(object, where), where, true));
    // Lists of Python floats have no dtype of their own: the default is float32, as for any number made here. Who names
    // a dtype has the floats as they are first.
    return listed && default_float && made.dtype() == DType::F64 ? fn::cast(made, DType::F32) : made;
  }
  throw DTypeError(text("[", where, "] received ", type_name(object),
                        "; expected a tensor, an array or a number; convert it first"));
}

Tensor own(const Tensor& tensor) {
  if (!tensor.concrete() || !tensor.impl().buffer->borrowed()) return tensor;
  return copied(tensor);
}

Tensor on_host(const Tensor& given) {
  if (given.symbolic()) {
    throw TraceError(
        "[numpy] received a symbolic tensor; its values are known only when the compiled step runs; return it from the "
        "step");
  }
  if (!given.concrete())
    throw TraceError("[numpy] received a tensor whose memory was let go; expected a value; keep the tensor");
  note_constant(given);
  return here(given);  // of a device: a copy
}

namespace {

// Those of NumPy live as long as the process.
py::dtype numpy_dtype(DType dtype) {
  static std::array<PyObject*, kDTypes> all{};
  PyObject*& known = all[static_cast<std::size_t>(dtype)];
  if (!known) known = py::dtype(std::string(info(dtype).name)).release().ptr();
  return py::reinterpret_borrow<py::dtype>(known);
}

}  // namespace

py::object to_numpy(const Tensor& given) {
  if (given.concrete() && given.dtype() == DType::BF16) {
    throw DTypeError(
        "[numpy] received bfloat16, which NumPy does not have; expected another dtype; use astype('float32') first");
  }
  const Tensor tensor = on_host(given);
  const std::size_t size = size_of(tensor.dtype());
  std::vector<py::ssize_t> shape, strides;
  for (int i = 0; i < tensor.ndim(); ++i) {
    shape.push_back(tensor.shape()[i]);
    strides.push_back(tensor.strides()[i] * static_cast<py::ssize_t>(size));
  }
  const py::capsule keep(new Tensor(tensor), [](void* p) { delete static_cast<Tensor*>(p); });
  py::array array(numpy_dtype(tensor.dtype()), shape, strides, tensor.host(), keep);
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

std::optional<DType> to_dtype(py::handle object) {
  DType dtype;
  if (is_dtype(object)) return dtype_of(object);
  if (PyUnicode_Check(object.ptr())) {
    Py_ssize_t size = 0;
    const char* name = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
    if (!name) PyErr_Clear();  // half of a surrogate pair is no name
    if (name && parse_dtype(std::string(name, static_cast<std::size_t>(size)), dtype)) return dtype;
    return std::nullopt;
  }
  if (object.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::F32;
  if (object.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::I64;
  if (object.ptr() == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::Bool;
  if (object.ptr() == reinterpret_cast<PyObject*>(&PyComplex_Type)) return DType::C64;
  if (const std::string_view kind = Py_TYPE(object.ptr())->tp_name; kind == "torch.dtype") {
    if (parse_dtype(py::cast<std::string>(py::str(object)).substr(kind.find('.') + 1), dtype)) return dtype;
  }
  for (const char* attribute : {"name", "__name__"}) {  // NumPy's dtypes and scalar types
    if (!py::hasattr(object, attribute)) continue;
    const py::object name = object.attr(attribute);
    if (PyUnicode_Check(name.ptr()) && parse_dtype(py::cast<std::string>(name), dtype)) return dtype;
  }
  return std::nullopt;
}

}  // namespace pt::bindings
