#include "bindings/facts.h"
#include "core/convert.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

py::tuple shape_tuple(const Shape& shape) {
  py::tuple result(shape.size());
  for (int i = 0; i < shape.size(); ++i) result[i] = shape[i];
  return result;
}

void no_branch(const Tensor& t, const char* what) {
  note_constant(t);
  if (!t.symbolic()) return;
  const auto location = locator() ? locator()() : nullptr;
  throw TraceError(text("[", what, "] received a symbolic tensor",
                        location ? " at " + to_string(*location) : std::string(),
                        "; its value is known only when the compiled step runs; expected no branch on it; use "
                        "where(condition, a, b), or return it from the step"));
}

// A Python number in a complex dtype.
Tensor complex_number(const Tensor& number, DType dtype) {
  const bool whole = is_complex(number.dtype());
  const double re = load_number(number.host(), number.dtype());
  const double im = whole ? load_number(number.host() + 8, DType::F64) : 0.0;
  Tensor made = Tensor::empty({dtype, {}});
  store_number(made.host(), part_dtype(dtype), re);
  store_number(made.host() + size_of(dtype) / 2, part_dtype(dtype), im);
  return made;
}

}  // namespace

Tensor number_in(const Tensor& number, DType dtype) {
  if (is_complex(dtype)) return complex_number(number, dtype);
  return converted(number, dtype);
}

namespace {

DType natural_dtype(const Tensor& number) {
  return number.dtype() == DType::F64 ? DType::F32 : number.dtype() == DType::C128 ? DType::C64 : number.dtype();
}

// Lists of Python's integers are held to their dtype, as one such number is.
Tensor in_dtype(const Tensor& t, py::handle data, py::handle dtype, const char* where) {
  if (dtype.is_none()) return t;
  const DType wanted = dtype_or(dtype, t.dtype(), where);
  if ((PyList_Check(data.ptr()) || PyTuple_Check(data.ptr())) && is_int(t.dtype()) && is_int(wanted)) {
    for (int64_t i = 0; i < t.size(); ++i) {
      check_holds(wanted, t.host() + i * static_cast<int64_t>(size_of(t.dtype())), t.dtype(), where);
    }
  }
  return fn::cast(t, wanted);
}

Tensor make(py::handle data, py::handle dtype, const char* where) {
  Tensor t = own(unmarked(to_tensor(data, where, dtype.is_none())));
  if (t.impl().weak) {
    const DType wanted = dtype_or(dtype, natural_dtype(t), where);
    if (is_complex(t.dtype()) && !is_complex(wanted))
      throw DTypeError(text("[", where, "] received the complex number ", shown(data), " for ", info(wanted).name,
                            "; expected a real number; take its real part, or a complex dtype"));
    if (is_int(t.dtype()) && is_int(wanted)) check_holds(wanted, t.host(), t.dtype(), where);
    return number_in(t, wanted);
  }
  return in_dtype(t, data, dtype, where);
}

// What is made of Python's objects is made where the caller says, or where the current target says. An array on a
// device stays there.
Tensor placed(const Tensor& made, py::handle data, py::handle device, const std::string& where) {
  if (!device.is_none()) return to_target(made, device_named(device, where));
  const bool there = is_tensor(data) || py::isinstance<Slot>(data) || made.symbolic();
  return there || !made.impl().buffer->on_host() ? made : moved(made, current_target().memory());
}

// By value: another thread may give the object another one meanwhile.
std::string repr(Tensor t) {
  std::string type = text(t.type());
  if (t.symbolic()) return "Tensor(symbolic " + type + ")";
  if (!t.concrete()) return "Tensor(" + type + ", memory released)";
  note_constant(t);
  const Tensor shown = t.dtype() == DType::BF16 ? fn::cast(t, DType::F32) : t;
  return "Tensor(" +
         py::cast<std::string>(
             py::module_::import("numpy").attr("array2string")(to_numpy(here(shown)), py::arg("separator") = ", ")) +
         ", " + type + (t.impl().buffer->on_host() ? "" : ", " + device_of(t)) + ")";
}

// By values; what a tensor of a trace or a tape is to other processes nobody could say. Rows are laid out here, where
// too little memory is an error of ours.
py::tuple reduced(Tensor t) {
  const Tensor values = t.dtype() == DType::BF16 ? fn::cast(t, DType::F32) : t;
  const py::object rows = py::module_::import("numpy").attr("asarray")(to_numpy(here(values)), py::arg("order") = "C");
  return py::make_tuple(py::module_::import("powertrain._core").attr("tensor"),
                        py::make_tuple(rows, std::string(info(t.dtype()).name)));
}

// A member of the enumeration: by its name, also where pickling is of an old protocol.
py::tuple reduced_dtype(DType d) {
  return py::make_tuple(
      py::module_::import("builtins").attr("getattr"),
      py::make_tuple(py::module_::import("powertrain._core").attr("DType"), std::string(info(d).name)));
}

char kind_letter(DType d) {
  if (d == DType::Bool) return 'b';
  if (is_int(d)) return is_unsigned(d) ? 'u' : 'i';
  return is_complex(d) ? 'c' : 'f';
}

DType dtype_of_value(const py::args& args) {
  const auto value = args.size() == 2 ? integer_of(args[1]) : std::nullopt;
  if (!value || *value < 0 || *value >= kDTypes)
    throw DTypeError("[DType] received no number of a dtype; expected a member; for example powertrain.float32");
  return static_cast<DType>(*value);
}

}  // namespace

Tensor strong(const Tensor& number) { return number_in(number, natural_dtype(number)); }

Tensor whole_range(uint64_t start, uint64_t step, int64_t n, bool wide) {
  const Tensor t = Tensor::empty({wide ? DType::U64 : DType::I64, {n}});
  for (int64_t i = 0; i < n; ++i, start += step) reinterpret_cast<uint64_t*>(t.host())[i] = start;
  return moved(t, current_target().memory());
}

void register_tensor(py::module_& m) {
  py::enum_<DType> dtypes(m, "DType", R"(The type of a tensor's elements.

Example
    >>> import powertrain as pt
    >>> pt.ones((2,)).dtype == pt.float32, pt.float32 == "float32"
    (True, True))");
  dtypes.value("bool", DType::Bool)
      .value("uint8", DType::U8)
      .value("int8", DType::I8)
      .value("int16", DType::I16)
      .value("int32", DType::I32)
      .value("int64", DType::I64)
      .value("float16", DType::F16)
      .value("bfloat16", DType::BF16)
      .value("float32", DType::F32)
      .value("float64", DType::F64)
      .value("uint16", DType::U16)
      .value("uint32", DType::U32)
      .value("uint64", DType::U64)
      .value("complex64", DType::C64)
      .value("complex128", DType::C128)
      .def_property_readonly("itemsize", [](DType d) { return size_of(d); })
      .def_property_readonly("is_float", [](DType d) { return is_float(d); })
      .def_property_readonly("is_complex", [](DType d) { return is_complex(d); })
      .def_property_readonly("kind", &kind_letter, "NumPy's letter: one of b, i, u, f and c.")
      // A dtype equals each of its names, as NumPy's do.
      .def(
          "__eq__", [](DType d, py::handle other) { return to_dtype(other) == d; }, py::is_operator(), py::prepend())
      .def(
          "__ne__", [](DType d, py::handle other) { return to_dtype(other) != d; }, py::is_operator(), py::prepend())
      .def("__reduce__", &reduced_dtype)
      // NumPy's and JAX's dtypes make arrays when they are called.
      .def("__call__",
           [](DType d, const py::args&, const py::kwargs&) -> Tensor {
             const std::string name(info(d).name);
             throw DTypeError(text("[", name,
                                   "] received a call of a dtype; expected a function that makes a tensor; "
                                   "write pt.tensor(data, dtype='",
                                   name, "') or x.astype('", name, "')"));
           })
      .def_static("__new__", &dtype_of_value);

  py::class_<Tensor>(m, "Tensor", py::buffer_protocol(), py::is_final(),
                     R"(An array of numbers; a symbolic one stands for a value of the step being traced.

Example
    >>> import powertrain as pt
    >>> x = pt.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.shape, x.dtype.name, x.sum(axis=0).tolist()
    ((2, 2), 'float32', [4.0, 6.0]))")
      .def_property_readonly("shape", [](const Tensor& t) { return shape_tuple(t.shape()); })
      .def_property_readonly("dtype", [](const Tensor& t) { return t.dtype(); })
      .def_property_readonly("ndim", [](const Tensor& t) { return t.ndim(); })
      .def_property_readonly("size", [](const Tensor& t) { return number_of_elements(t.size()); })
      .def_property_readonly("strides", [](const Tensor& t) { return shape_tuple(t.strides()); })
      .def_property_readonly("symbolic", [](const Tensor& t) { return t.symbolic(); })
      .def_property_readonly("is_weak", [](const Tensor& t) { return t.impl().weak; })
      .def("item",
           [](const Tensor& t) -> py::object {
             no_branch(t, "item");
             if (is_complex(t.dtype()) && t.size() == 1) return to_numpy(here(t)).attr("item")();
             const double value = t.item();
             if (t.dtype() == DType::Bool) return py::bool_(value != 0);
             if (is_int(t.dtype())) return to_numpy(here(t)).attr("item")();
             return py::float_(value);
           })
      .def(
          "numpy", [](const Tensor& t) { return to_numpy(t); }, "A read-only NumPy view of the values.")
      .def(
          "__array__",
          [](const Tensor& t, const py::object& dtype, const py::object& copy) -> py::object {
            const py::object array = to_numpy(t);
            if (!dtype.is_none() &&
                !py::object(array.attr("dtype")).equal(py::object(py::module_::import("numpy").attr("dtype")(dtype))))
              return array.attr("astype")(dtype);
            return py::isinstance<py::bool_>(copy) && copy.cast<bool>() ? array.attr("copy")() : array;
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__bool__",
           [](const Tensor& t) {
             no_branch(t, "bool");
             if (t.size() != 1) {
               throw ShapeError(text("[bool] received ", t.type(),
                                     "; expected one element; write x.any() or x.all(), or compare one element"));
             }
             if (is_complex(t.dtype())) return py::cast<bool>(to_numpy(here(t)).attr("__bool__")());
             return t.item() != 0;
           })
      .def("__float__",
           [](const Tensor& t) {
             no_branch(t, "float");
             return t.item();
           })
      .def("__int__",
           [](const Tensor& t) -> py::object {
             no_branch(t, "int");
             const double value = t.item();
             if (is_int(t.dtype())) return to_numpy(here(t)).attr("item")();
             return py::int_(static_cast<int64_t>(value));
           })
      .def("__complex__",
           [](const Tensor& t) -> py::object {
             no_branch(t, "complex");
             if (is_complex(t.dtype()) && t.size() == 1) return to_numpy(here(t)).attr("item")();
             return py::module_::import("builtins").attr("complex")(t.item());
           })
      .def("__len__",
           [](const Tensor& t) {
             if (t.ndim() == 0)
               throw DTypeError("[len] received a tensor without axes; expected at least one; use size");
             return t.shape()[0];
           })
      .def("__repr__", &repr)
      .def("__reduce__", &reduced)
      // Another object: an assignment to one of them is none to the other.
      .def("__copy__", &unmarked)
      .def("__deepcopy__", [](const Tensor& t, const py::object&) { return unmarked(t); })
      // An instance without a value would be memory that nobody wrote.
      .def_static("__new__", [](const py::args&, const py::kwargs&) -> Tensor {
        throw DTypeError(
            "[Tensor] received a call of its class; expected a function that makes one; for example "
            "powertrain.tensor(data)");
      });
  free_tensors_directly();
  m.def(
      "tensor",
      [](py::handle data, py::handle dtype, py::handle device) {
        return placed(make(data, dtype, "tensor"), data, device, "tensor");
      },
      py::arg("data"), py::arg("dtype") = py::none(), py::arg("device") = py::none(),
      R"(A tensor with memory of its own.

Example
    >>> import powertrain as pt
    >>> pt.tensor([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2))");
  m.def(
      "asarray",
      [](py::handle data, py::handle dtype, py::handle device) {
        const Tensor made = is_number(data)
                                ? make(data, dtype, "asarray")
                                : in_dtype(to_tensor(data, "asarray", dtype.is_none()), data, dtype, "asarray");
        return placed(made, data, device, "asarray");
      },
      py::arg("data"), py::arg("dtype") = py::none(), py::arg("device") = py::none(),
      R"(A tensor; arrays in main memory are not copied.

Example
    >>> import numpy as np, powertrain as pt
    >>> pt.asarray(np.arange(3)).tolist()
    [0, 1, 2])");
  m.def(
      "full",
      [](py::handle shape, py::handle value, py::handle dtype) {
        const DType preset = PyComplex_CheckExact(value.ptr()) ? DType::C64 : DType::F32;
        const TensorType type{dtype_or(dtype, preset, "full"), to_shape(shape, "full")};
        check_type(type, "full");
        const Tensor one = make(value, py::cast(type.dtype), "full");
        if (one.ndim() != 0 || one.symbolic())
          throw ShapeError(text("[full] value is ", one.type(), one.symbolic() ? ", symbolic" : "",
                                "; expected one number; for more, use broadcast_to"));
        return moved(Tensor::view(one.impl().buffer, type, broadcast_strides({}, {}, type.shape), one.impl().offset),
                     current_target().memory());
      },
      py::arg("shape"), py::arg("value"), py::arg("dtype") = py::none(), "A tensor of one value.");
  m.def(
      "size_by", [](py::type kind) { type_of_sizes() = reinterpret_cast<PyTypeObject*>(kind.release().ptr()); },
      py::arg("kind"), "The class, of int, that x.size is of.");
  m.def("real_range", [](double start, double stop, double step) {
    if (step == 0) throw ShapeError("[arange] step = 0; expected another number; leave it out for 1");
    const double size = std::ceil((stop - start) / step);
    if (!(size < kMostElements))
      throw ShapeError(text("[arange] start = ", start, ", stop = ", stop, ", step = ", step,
                            "; expected finite numbers and a result that memory can hold; check them"));
    const auto n = static_cast<int64_t>(std::max(0.0, size));
    const Tensor t = Tensor::empty({DType::F64, {n}});
    for (int64_t i = 0; i < n; ++i) reinterpret_cast<double*>(t.host())[i] = start + static_cast<double>(i) * step;
    return moved(t, current_target().memory());
  });
  // For functions that are made in Python: what they are given, or an error of ours.
  m.def("integer", [](py::handle value, const std::string& name, const std::string& where) {
    if (const auto integer = integer_of(value)) return *integer;
    throw DTypeError(text("[", where, "] ", name, " = ", shown(value), "; expected an integer; pass one of 64 bits"));
  });
  m.def("integers", [](py::handle value, const std::string& name, const std::string& where) {
    if (const auto integers = integers_of(value)) return *integers;
    throw DTypeError(text("[", where, "] ", name, " = ", shown(value),
                          "; expected an integer or a tuple of integers; pass a tuple such as (0, 1)"));
  });
  m.def("whole_range", &whole_range);
}

}  // namespace pt::bindings
