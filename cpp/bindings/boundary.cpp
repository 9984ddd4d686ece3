// What is left raw when a function in C++ is given a value that nobody thought of: pybind11's own refusal of arguments,
// or what Python and NumPy raise in C. It becomes an error of ours, and the first one its cause.
// python/powertrain/errors/boundary.py does the same for functions in Python.
#include <array>
#include <utility>

#include "bindings/bindings.h"

namespace pt::bindings {
namespace {

// What Python raises, and as what it is raised again; the first that fits.
std::array<std::pair<PyObject*, PyObject*>, 8> kinds;
PyObject* error = nullptr;

// Whether all of the Python code that an exception went through is of libraries, which the engine called; a caller's
// own code raises what it likes, and the engine's translates by itself.
bool from_libraries(PyObject* traceback) {
  try {
    return py::cast<bool>(
        py::module_::import("powertrain.errors.boundary").attr("from_libraries")(py::handle(traceback)));
  } catch (const py::error_already_set&) {
    return false;  // too deep, or out of memory: what was raised first says more
  }
}

// The class of ours for the exception that is set; null for one that stays.
PyObject* kind_of_leftover() {
  PyObject* raised = PyErr_Occurred();
  if (!raised || PyErr_GivenExceptionMatches(raised, error)) return nullptr;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  const bool stays = traceback && !from_libraries(traceback);
  PyErr_Restore(type, value, traceback);
  if (stays) return nullptr;
  for (const auto& [raw, ours] : kinds) {
    if (PyErr_GivenExceptionMatches(raised, raw)) return ours;
  }
  return nullptr;
}

std::string types_of(PyObject* const* args, Py_ssize_t given, PyObject* names) {
  const Py_ssize_t all = given + (names ? PyTuple_GET_SIZE(names) : 0);
  std::string list;
  for (Py_ssize_t i = 0; i < all; ++i) {
    if (i) list += ", ";
    if (i >= given) list += py::cast<std::string>(PyTuple_GET_ITEM(names, i - given)) + "=";
    list += Py_TYPE(args[i])->tp_name;
  }
  return list.empty() ? "no arguments" : list;
}

std::string without(std::string text, const std::string& part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part)) text.erase(at, part.size());
  return text;
}

// What an exception says; of pybind11's own refusal nothing, since what was expected says it.
std::string said_by(py::handle exception) {
  const auto text = py::reinterpret_steal<py::object>(PyObject_Str(exception.ptr()));
  Py_ssize_t size = 0;
  const char* characters = text ? PyUnicode_AsUTF8AndSize(text.ptr(), &size) : nullptr;
  if (!characters) PyErr_Clear();  // it fails at saying something, or says what is no text
  const std::string said(characters ? characters : "", static_cast<std::size_t>(characters ? size : 0));
  return said.empty() || said.find("incompatible ") != std::string::npos ? "" : ": " + said;
}

// pybind11 calls every function that it binds by one dispatcher.
using Dispatcher = PyObject* (*)(PyObject*, PyObject* const*, std::size_t, PyObject*);
Dispatcher dispatch = nullptr;

PyObject* guarded_dispatch(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* names) {
  PyObject* result = dispatch(self, args, flags, names);
  if (result) return result;
  const auto* record = py::detail::function_record_ptr_from_PyObject(self);
  std::string where = without(record->name, "__");
  if (where.empty() || where == "init" || where == "new") {  // an accessor or a constructor is said by its class
    const py::error_scope kept;                              // what pybind11 does with strings may clear the error
    where = py::cast<std::string>(record->scope.attr("__name__"));
  }
  raise_leftover_again(where, where + without(without(record->signature, "powertrain._core."), "typing."), args,
                       PyVectorcall_NARGS(flags), names);
  return nullptr;
}

void guard_function(py::handle function) {
  PyObject* bare = function.ptr();
  if (PyInstanceMethod_Check(bare)) bare = PyInstanceMethod_GET_FUNCTION(bare);
  if (!PyCFunction_Check(bare)) return;
  PyObject* record = PyCFunction_GET_SELF(bare);
  if (!record || !py::detail::is_function_record_PyObject(record)) return;
  PyMethodDef* method = reinterpret_cast<PyCFunctionObject*>(bare)->m_ml;
  const auto found = reinterpret_cast<Dispatcher>(reinterpret_cast<void (*)()>(method->ml_meth));
  if (found == &guarded_dispatch) return;
  dispatch = found;
  method->ml_meth = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&guarded_dispatch));
}

// The functions of a module, and those of its classes and of their properties.
void guard_members(py::handle scope) {
  for (py::handle member : py::list(scope.attr("__dict__").attr("values")())) {
    if (PyType_Check(member.ptr())) {
      if (scope.attr("__name__").equal(member.attr("__module__"))) guard_members(member);
    } else if (Py_IS_TYPE(member.ptr(), &PyProperty_Type)) {
      for (const char* accessor : {"fget", "fset"}) guard_function(member.attr(accessor));
    } else if (Py_IS_TYPE(member.ptr(), &PyStaticMethod_Type)) {
      guard_function(member.attr("__func__"));
    } else {
      guard_function(member);
    }
  }
}

// The error text for the first keyword that another library takes and this function does not; empty if there is none.
std::string foreign_keyword(const std::string& where, const std::string& expected, PyObject* const* args,
                            Py_ssize_t given, PyObject* names) {
  const py::object keyword = py::module_::import("powertrain.errors.arguments").attr("keyword");
  for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); ++k) {
    const auto name = py::cast<std::string>(PyTuple_GET_ITEM(names, k));
    if (expected.find(name + ": ") != std::string::npos) continue;
    py::dict call;
    call[py::str(name)] = py::handle(args[given + k]);
    const py::object said = keyword(where, py::tuple(), py::tuple(), name, call);
    if (!said.is_none()) return py::cast<std::string>(said);
  }
  return "";
}

}  // namespace

void raise_leftover_again(const std::string& where, const std::string& expected, PyObject* const* args,
                          Py_ssize_t given, PyObject* names) {
  PyObject* kind = kind_of_leftover();
  if (!kind) return;
  std::string message;
  {
    const py::error_scope raised;
    message = foreign_keyword(where, expected, args, given, names);
    if (message.empty()) {
      message = "[" + where + "] received " + types_of(args, given, names) + said_by(raised.value) + "; expected " +
                expected + "; check the arguments";
    }
  }
  py::raise_from(kind, message.c_str());
}

void register_boundary(py::module_& m) {
  auto ours = [&](const char* name) { return py::object(m.attr(name)).release().ptr(); };
  error = ours("Error");
  PyObject *type_error = ours("DTypeError"), *value_error = ours("ShapeError");
  kinds = {{{PyExc_MemoryError, ours("OutOfMemoryError")},
            {PyExc_IndexError, ours("IndexError")},
            {PyExc_TypeError, type_error},
            {PyExc_AttributeError, type_error},
            {PyExc_ValueError, value_error},
            {PyExc_LookupError, value_error},
            {PyExc_ArithmeticError, value_error},
            {PyExc_RuntimeError, value_error}}};
  guard_members(m);
}

}  // namespace pt::bindings
