// What a tensor is and holds, as Python's own objects: its shape and dtype, and its numbers. Descriptors of ours, since
// pybind11's dispatcher takes longer than what is asked for.
#include <array>
#include <cmath>

#include "bindings/facts.h"
#include "core/convert.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/recorder.h"

namespace pt::bindings {

void no_branch(const Tensor& t, const char* what) {
  note_constant(t);
  if (!t.symbolic()) return;
  const auto location = locator() ? locator()() : nullptr;
  throw TraceError(text("[", what, "] received a symbolic tensor",
                        location ? " at " + to_string(*location) : std::string(),
                        "; its value is known only when the compiled step runs; expected no branch on it; use "
                        "where(condition, a, b), or return it from the step"));
}

namespace {

py::object owned(PyObject* made) {
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

py::object tuple_of(const Dims& dims) {
  py::object made = owned(PyTuple_New(dims.size()));
  for (int i = 0; i < dims.size(); ++i)
    PyTuple_SET_ITEM(made.ptr(), i, owned(PyLong_FromLongLong(dims[i])).release().ptr());
  return made;
}

py::object number_at(const char* address, DType dtype) {
  if (dtype == DType::Bool) return py::bool_(*address != 0);
  if (dtype == DType::U64)
    return owned(PyLong_FromUnsignedLongLong(static_cast<uint64_t>(load_integer(address, dtype))));
  if (is_int(dtype)) return owned(PyLong_FromLongLong(load_integer(address, dtype)));
  const double real = load_number(address, dtype);
  if (!is_complex(dtype)) return owned(PyFloat_FromDouble(real));
  const DType part = part_dtype(dtype);
  return owned(PyComplex_FromDoubles(real, load_number(address + size_of(part), part)));
}

// Of a tensor of one element, wherever it lies.
py::object only_number(const Tensor& t) {
  if (t.size() != 1 || !t.concrete()) (void)t.item();  // which says what is wrong
  alignas(16) std::array<char, 16> bytes;
  t.impl().buffer->memory().copy_out(bytes.data(), t.address(), size_of(t.dtype()));
  return number_at(bytes.data(), t.dtype());
}

py::object item(const Tensor& t) {
  no_branch(t, "item");
  return only_number(t);
}

py::object lists_of(const Tensor& t, const char* address, int axis) {
  if (axis == t.ndim()) return number_at(address, t.dtype());
  const int64_t step = t.strides()[axis] * static_cast<int64_t>(size_of(t.dtype()));
  py::object list = owned(PyList_New(t.shape()[axis]));
  for (int64_t i = 0; i < t.shape()[axis]; ++i)
    PyList_SET_ITEM(list.ptr(), i, lists_of(t, address + i * step, axis + 1).release().ptr());
  return list;
}

py::object tolist(const Tensor& t) {
  const Tensor values = on_host(t);
  return lists_of(values, values.host(), 0);
}

bool truth(const Tensor& t) {
  no_branch(t, "bool");
  if (t.size() != 1) {
    throw ShapeError(
        text("[bool] received ", t.type(), "; expected one element; write x.any() or x.all(), or compare one element"));
  }
  const int truth = PyObject_IsTrue(only_number(t).ptr());
  if (truth < 0) throw py::error_already_set();
  return truth != 0;
}

py::object as_float(const Tensor& t) {
  no_branch(t, "float");
  return owned(PyFloat_FromDouble(t.item()));
}

py::object as_int(const Tensor& t) {
  no_branch(t, "int");
  if (is_int(t.dtype())) return only_number(t);
  const double value = t.item();
  if (!std::isfinite(value)) {
    throw OverflowError(
        text("[int] received ", t.type(), " of ", value,
             "; expected a finite number, since no integer is one of these; check it with isfinite(x)"));
  }
  return owned(PyLong_FromDouble(value));
}

// By value: another thread may give the object another one meanwhile.
template <py::object (*Read)(const Tensor&)>
PyObject* read(PyObject* self) {
  try {
    const Tensor t = unwrap(self);
    return Read(t).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

int is_true(PyObject* self) {
  try {
    const Tensor t = unwrap(self);
    return truth(t);
  } catch (...) {
    translate_current_exception();
    return -1;
  }
}
PyObject* as_bool(PyObject* self) {
  const int truth = is_true(self);
  return truth < 0 ? nullptr : PyBool_FromLong(truth);
}

struct Name {
  const char* called;
};
constexpr Name kBool{"bool"}, kFloat{"float"}, kInt{"int"};

// A method without arguments; those that are given are an error in its name.
template <PyObject* (*Call)(PyObject*), const Name& name>
PyObject* method(PyObject* self, PyObject* const* args, Py_ssize_t given, PyObject* names) {
  if (given == 0 && (!names || PyTuple_GET_SIZE(names) == 0)) return Call(self);
  PyErr_SetString(PyExc_TypeError, "");
  raise_leftover_again(name.called, std::string(name.called) + "()", args, given, names);
  return nullptr;
}

template <PyObject* (*Call)(PyObject*), const Name& name>
PyMethodDef definition(const char* called, const char* documentation) {
  const auto function = &method<Call, name>;
  return {called, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL | METH_KEYWORDS,
          documentation};
}

PyMethodDef methods[] = {
    definition<as_bool, kBool>("__bool__", "__bool__($self)\n--\n\n"),
    definition<read<as_float>, kFloat>("__float__", "__float__($self)\n--\n\n"),
    definition<read<as_int>, kInt>("__int__", "__int__($self)\n--\n\n"),
};

template <const TensorType& (*Of)(PyObject*), py::object (*Read)(const TensorType&)>
PyObject* get(PyObject* self, void*) {
  try {
    return Read(Of(self)).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

const TensorType& type_of_tensor(PyObject* self) { return unwrap(self).type(); }
const TensorType& type_of_slot(PyObject* self) { return slot_of(self).type(); }

py::object shape(const TensorType& type) { return tuple_of(type.shape); }
py::object dtype(const TensorType& type) { return wrap(type.dtype); }
py::object ndim(const TensorType& type) { return owned(PyLong_FromLong(type.shape.size())); }
py::object size(const TensorType& type) { return number_of_elements(count(type.shape)); }
py::object strides(const Tensor& t) { return tuple_of(t.strides()); }
PyObject* get_strides(PyObject* self, void*) { return read<strides>(self); }

template <const TensorType& (*Of)(PyObject*)>
std::array<PyGetSetDef, 4> accessors() {
  return {{{"shape", get<Of, shape>, nullptr, nullptr, nullptr},
           {"dtype", get<Of, dtype>, nullptr, nullptr, nullptr},
           {"ndim", get<Of, ndim>, nullptr, nullptr, nullptr},
           {"size", get<Of, size>, nullptr, nullptr, nullptr}}};
}
auto accessors_of_tensor = accessors<type_of_tensor>();
auto accessors_of_slot = accessors<type_of_slot>();
PyGetSetDef strides_of_tensor = {"strides", get_strides, nullptr, nullptr, nullptr};

void install(const py::object& cls, PyGetSetDef& accessor) {
  auto* type = reinterpret_cast<PyTypeObject*>(cls.ptr());
  cls.attr(accessor.name) = owned(PyDescr_NewGetSet(type, &accessor));
}

}  // namespace

void register_reading(py::module_& m) {
  const py::object tensor = m.attr("Tensor"), slot = m.attr("Slot");
  for (PyGetSetDef& accessor : accessors_of_tensor) install(tensor, accessor);
  for (PyGetSetDef& accessor : accessors_of_slot) install(slot, accessor);
  install(tensor, strides_of_tensor);
  // By pybind11, which says what a stranger in place of a tensor is.
  py::reinterpret_borrow<py::class_<Tensor>>(tensor)
      .def("item", &item, "The one element as a number of Python's.")
      .def("tolist", &tolist, "The numbers as Python's, in lists of lists; one number of a tensor without axes.");
  auto* type = reinterpret_cast<PyTypeObject*>(tensor.ptr());
  for (PyMethodDef& one : methods) tensor.attr(one.ml_name) = owned(PyDescr_NewMethod(type, &one));
  // Not functions of Python's, which the interpreter would call without a look at the slots of the type.
  type->tp_as_number->nb_bool = is_true;
  type->tp_as_number->nb_float = read<as_float>;
  type->tp_as_number->nb_int = read<as_int>;
}

}  // namespace pt::bindings
