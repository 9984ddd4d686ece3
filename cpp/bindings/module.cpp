#include "bindings/direct.h"

namespace py = pybind11;

// Python calls PyInit__core, below.
PYBIND11_MODULE(_core_of_main, m, py::multiple_interpreters::not_supported()) {
  m.doc() = "The compiled core of powertrain.";
  m.attr("__version__") = POWERTRAIN_VERSION;
  using namespace pt::bindings;
  register_errors(m);
  register_tensor(m);
  register_creation(m);
  register_places(m);
  register_assign(m);
  register_exchange(m);
  register_ops(m);
  register_operators(m);
  register_kernels(m);
  register_examine(m);
  register_slots(m);
  register_reading(m);
  register_index(m);
  register_devices(m);
  register_attributes(m);
  register_autograd(m);
  register_transforms(m);
  register_compile(m);
  register_facts(m);
  register_backends(m);
  register_system(m);
  register_pictures(m);
  register_scaled_rows(m);
  register_row_picks(m);
  register_shuffles(m);
  register_boundary(m);
}

// pybind11 would wait for ever for the lock of the main interpreter, so this is asked before it does anything.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError, "powertrain._core was asked for in a subinterpreter");  // powertrain says more
    return nullptr;
  }
  return PyInit__core_of_main();
}
