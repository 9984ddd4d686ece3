// The engine's exceptions, each also an instance of the built-in exception that a user would catch.
#include <optional>

#include "bindings/bindings.h"
#include "bindings/crossing.h"
#include "core/convert.h"
#include "core/error.h"
#include "core/interpreter.h"

namespace pt::bindings {
namespace {

py::object make(py::module_& m, const char* name, const py::tuple& bases, const char* doc) {
  py::dict members;
  members["__doc__"] = doc;
  members["__module__"] = "powertrain";
  py::object type = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyType_Type))(name, bases, members);
  m.attr(name) = type;
  return type;
}

PyObject *error, *shape_error, *dtype_error, *index_error, *overflow_error, *trace_error, *non_finite_error,
    *kernel_error, *out_of_memory_error;

// What a signal's handler raised in this thread while it was in the engine.
thread_local std::optional<py::error_already_set> interrupt;

// A thread that cannot have the interpreter's lock any more stops here.
void acquire(void* state) {
  if (!across([&] { PyEval_RestoreThread(static_cast<PyThreadState*>(state)); })) stop_thread();
}

bool interrupted() {
  bool stopped = false;
  const bool asked = across([&] {
    const py::gil_scoped_acquire gil;
    stopped = PyErr_CheckSignals() != 0;
    if (stopped) interrupt.emplace();
  });
  if (!asked) stop_thread();
  return stopped;
}

}  // namespace

void translate_current_exception() {
  try {
    throw;
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const ShapeError& e) {
    PyErr_SetString(shape_error, e.what());
  } catch (const DTypeError& e) {
    PyErr_SetString(dtype_error, e.what());
  } catch (const IndexError& e) {
    PyErr_SetString(index_error, e.what());
  } catch (const OverflowError& e) {
    PyErr_SetString(overflow_error, e.what());
  } catch (const TraceError& e) {
    PyErr_SetString(trace_error, e.what());
  } catch (const GuardError& e) {
    PyErr_SetString(non_finite_error, e.what());
  } catch (const KernelError& e) {
    PyErr_SetString(kernel_error, e.what());
  } catch (const Interrupted&) {
    interrupt->restore();
    interrupt.reset();
  } catch (const OutOfMemoryError& e) {
    PyErr_SetString(out_of_memory_error, e.what());
  } catch (const Error& e) {
    PyErr_SetString(error, e.what());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(out_of_memory_error,
                    "[memory] asked for more than the system has free; expected a size that fits; use a smaller batch "
                    "or model");
  } catch (const std::length_error&) {  // what a container asks for is beyond all memory
    PyErr_SetString(out_of_memory_error,
                    "[memory] asked for more than memory can hold; expected fewer; check the sizes");
  } catch (const py::cast_error& e) {  // what an object answered to a question of ours
    PyErr_SetString(dtype_error,
                    text("[conversion] ", e.what(), "; expected an answer of that type; check the object").c_str());
  } catch (const std::exception& e) {
    PyErr_SetString(error, text("[system] ", e.what(), "; expected no failure; report the call").c_str());
  }
}

void register_errors(py::module_& m) {
  const py::object base = make(m, "Error", py::make_tuple(py::handle(PyExc_Exception)), "Any error of the engine.");
  auto derive = [&](const char* name, PyObject* builtin, const char* doc) {
    py::tuple bases = py::make_tuple(base);
    if (builtin) bases = py::make_tuple(base, py::handle(builtin));
    return make(m, name, bases, doc).release().ptr();
  };
  error = py::object(base).release().ptr();
  shape_error = derive("ShapeError", PyExc_ValueError, "A shape or value that an op cannot take.");
  dtype_error = derive("DTypeError", PyExc_TypeError, "A dtype or type that an op cannot take.");
  index_error = derive("IndexError", PyExc_IndexError, "An index out of range.");
  overflow_error = derive("OverflowError", PyExc_OverflowError, "A Python integer that a dtype does not hold.");
  trace_error = derive("TraceError", nullptr, "A symbolic tensor was used as a value, or outlived its trace.");
  non_finite_error = derive("NonFiniteError", PyExc_ArithmeticError, "A guard found a number that is not finite.");
  kernel_error = derive("KernelError", nullptr, "A plugin's kernel could not be used, or reported a failure.");
  out_of_memory_error = derive("OutOfMemoryError", PyExc_MemoryError, "The system has not as much memory free.");
  Crossing::shut_at_the_end();
  interpreter() = {[] { return PyGILState_Check() == 1; },
                   [] { return PyGILState_Check() ? static_cast<void*>(PyEval_SaveThread()) : nullptr; }, &acquire,
                   &interrupted};
  py::register_exception_translator([](std::exception_ptr pointer) {
    if (!pointer) return;
    try {
      std::rethrow_exception(pointer);
    } catch (const py::builtin_exception&) {
      throw;  // pybind11's own, which boundary.cpp raises again
    } catch (...) {
      translate_current_exception();
    }
  });
}

}  // namespace pt::bindings
