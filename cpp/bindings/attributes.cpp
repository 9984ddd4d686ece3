// An attribute that tensors, slots and compiled functions do not have: the error names what other libraries' users look
// for. In C++, since every method call asks for an attribute first.
#include "bindings/bindings.h"

namespace pt::bindings {

PyObject* attribute_or_hint(PyObject* self, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(self, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  // Protocols are asked for by such names, to find out whether there is one.
  if (PyUnicode_GET_LENGTH(name) > 0 && PyUnicode_READ_CHAR(name, 0) == '_') return nullptr;
  PyErr_Clear();
  try {
    const py::object unknown = py::module_::import("powertrain.errors.attributes").attr("unknown");
    const py::object error = unknown(py::type::handle_of(self), py::handle(name));
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  } catch (py::error_already_set& e) {
    e.restore();
  }
  return nullptr;
}

void register_attributes(py::module_& m) {
  for (const char* type : {"Tensor", "Slot"}) {
    auto* found = reinterpret_cast<PyTypeObject*>(m.attr(type).ptr());
    found->tp_getattro = &attribute_or_hint;
    PyType_Modified(found);
  }
}

}  // namespace pt::bindings
