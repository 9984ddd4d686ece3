// Functions of the module that are called often: without pybind11's dispatcher, which takes longer than some of them.
// What they do with wrong arguments is the same.
#pragma once
#include <algorithm>
#include <array>
#include <string>

#include "bindings/bindings.h"

namespace pt::bindings {

constexpr std::size_t kMostDirect = 6;
using DirectCall = PyObject* (*)(PyObject* self, PyObject* const* args, Py_ssize_t given, PyObject* names);
using DirectArguments = std::array<py::handle, kMostDirect>;

// So many of them, to give each a name.
template <std::size_t n>
std::array<py::handle, n> first(const DirectArguments& given) {
  std::array<py::handle, n> some;
  std::copy_n(given.begin(), n, some.begin());
  return some;
}

struct DirectFunction {
  const char* name;
  const char* signature;  // behind the name, as pybind11 writes it
  const char* documentation;
  std::array<const char*, kMostDirect> parameters;  // null behind the last; those that may be left out are None
  std::size_t required;
};

// Puts arguments in the order of the parameters. False where they are not what a function takes.
bool placed_directly(const DirectFunction& function, PyObject* const* args, Py_ssize_t given, PyObject* names,
                     DirectArguments& placed);
// In the error that is set, as pybind11 refuses arguments.
void fail_directly(const DirectFunction& function, PyObject* const* args, Py_ssize_t given, PyObject* names);
void add_directly(py::module_& m, const DirectFunction& function, DirectCall call);

// The operators of tensors and slots.
void register_operators(py::module_& m);

template <const DirectFunction& function, py::object (*body)(const DirectArguments&)>
void define_directly(py::module_& m) {
  add_directly(m, function, [](PyObject*, PyObject* const* args, Py_ssize_t given, PyObject* names) -> PyObject* {
    try {
      DirectArguments placed;
      if (placed_directly(function, args, given, names, placed)) return body(placed).release().ptr();
      PyErr_SetString(PyExc_TypeError, "");
    } catch (...) {
      translate_current_exception();
    }
    fail_directly(function, args, given, names);
    return nullptr;
  });
}

}  // namespace pt::bindings
