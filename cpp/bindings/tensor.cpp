#include <array>

#include "bindings/facts.h"
#include "core/convert.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

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

// What is read of dtypes at nearly every call in Python, without pybind11's dispatcher: name searches all members.
template <auto fact>
PyObject* fact_of_dtype(PyObject* self, void*) {
  try {
    return fact(dtype_of(self)).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

py::object name_of(DType d) {
  static const auto names = [] {
    std::array<PyObject*, kDTypes> all;
    for (int i = 0; i < kDTypes; ++i) {
      const std::string name(info(static_cast<DType>(i)).name);
      all[static_cast<std::size_t>(i)] = PyUnicode_InternFromString(name.c_str());
    }
    return all;
  }();
  return py::reinterpret_borrow<py::object>(names[static_cast<std::size_t>(d)]);
}

py::object bytes_of(DType d) { return py::int_(size_of(d)); }
py::object is_real(DType d) { return py::bool_(is_float(d)); }
py::object is_of_pairs(DType d) { return py::bool_(is_complex(d)); }
py::object letter_of(DType d) { return py::cast(kind_letter(d)); }

PyGetSetDef facts_of_dtypes[] = {
    {"name", fact_of_dtype<name_of>, nullptr, nullptr, nullptr},
    {"itemsize", fact_of_dtype<bytes_of>, nullptr, nullptr, nullptr},
    {"is_float", fact_of_dtype<is_real>, nullptr, nullptr, nullptr},
    {"is_complex", fact_of_dtype<is_of_pairs>, nullptr, nullptr, nullptr},
    {"kind", fact_of_dtype<letter_of>, nullptr, "NumPy's letter: one of b, i, u, f and c.", nullptr}};

void add_facts_of_dtypes(py::handle dtypes) {
  for (PyGetSetDef& fact : facts_of_dtypes) {
    const auto made =
        py::reinterpret_steal<py::object>(PyDescr_NewGetSet(reinterpret_cast<PyTypeObject*>(dtypes.ptr()), &fact));
    if (!made) throw py::error_already_set();
    dtypes.attr(fact.name) = made;
  }
}

DType dtype_of_value(const py::args& args) {
  const auto value = args.size() == 2 ? integer_of(args[1]) : std::nullopt;
  if (!value || *value < 0 || *value >= kDTypes)
    throw DTypeError("[DType] received no number of a dtype; expected a member; for example powertrain.float32");
  return static_cast<DType>(*value);
}

}  // namespace

void register_tensor(py::module_& m) {
  py::enum_<DType> dtypes(m, "DType", R"(The type of a tensor's elements.

Example
    >>> import powertrain as pt
    >>> pt.ones((2,)).dtype, str(pt.float32), pt.float32 == "float32"
    (powertrain.float32, 'float32', True))");
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
      // A dtype equals each of its names, as NumPy's do.
      .def(
          "__eq__", [](DType d, py::handle other) { return to_dtype(other) == d; }, py::is_operator(), py::prepend())
      .def(
          "__ne__", [](DType d, py::handle other) { return to_dtype(other) != d; }, py::is_operator(), py::prepend())
      // As NumPy writes them: in a message, and as what makes it again.
      .def(
          "__str__", [](DType d) { return std::string(info(d).name); }, py::prepend())
      .def(
          "__repr__", [](DType d) { return text("powertrain.", info(d).name, d == DType::Bool ? "_" : ""); },
          py::prepend())
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
  add_facts_of_dtypes(dtypes);

  py::class_<Tensor>(m, "Tensor", py::buffer_protocol(), py::is_final(),
                     R"(An array of numbers; a symbolic one stands for a value of the step being traced.

Example
    >>> import powertrain as pt
    >>> x = pt.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.shape, x.dtype.name, x.sum(axis=0).tolist()
    ((2, 2), 'float32', [4.0, 6.0]))")
      .def_property_readonly("symbolic", [](const Tensor& t) { return t.symbolic(); })
      .def_property_readonly("is_weak", [](const Tensor& t) { return t.impl().weak; })
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
}

}  // namespace pt::bindings
