// The object of a compiled function, for the files that define its methods.
#pragma once
#include "bindings/programs.h"
#include "bindings/tree.h"
#include "program/compiled.h"

namespace pt::bindings {

struct CompiledState {
  py::object function, on_retrace;
  std::string name;
  CompiledStep step;
  RunReport last;
  explicit CompiledState(CompileOptions options) : step(options) {}
};

struct CompiledFunction {
  PyObject_HEAD vectorcallfunc call;
  CompiledState* state;
  PyObject* dict;
};

inline CompiledState& state_of(PyObject* self) { return *reinterpret_cast<CompiledFunction*>(self)->state; }

// What somebody sees of its programs: methods without keywords.
PyObject* describe_compiled(PyObject* self, PyObject*);
PyObject* captured_by_compiled(PyObject* self, PyObject*);
PyObject* programs_of_compiled(PyObject* self, void*);
PyObject* profile_compiled(PyObject* self, PyObject* args);
PyObject* places_of_compiled(PyObject* self, PyObject* args);
PyObject* record_compiled(PyObject* self, PyObject* args);

}  // namespace pt::bindings
