// The Python object of a tensor. pybind11 looks up the type of each object that it makes and notes it in a table, which
// takes longer than a small op. This makes the same object with the tensor inside of it, and no table knows it.
#include <new>

#include "bindings/bindings.h"

namespace pt::bindings {
namespace {

using Instance = py::detail::instance;

// Where pybind11 keeps the pointer to what an object owns, and behind it the holder, whose place the tensor takes.
static_assert(sizeof(Tensor) <= sizeof(Instance::simple_value_holder) - sizeof(void*));

destructor& freed_by_pybind11() {
  static destructor freed = nullptr;
  return freed;
}

PyTypeObject* tensor_type() {
  static PyTypeObject* type = reinterpret_cast<PyTypeObject*>(py::type::of<Tensor>().ptr());
  return type;
}

void deallocate(PyObject* self) {
  auto* instance = reinterpret_cast<Instance*>(self);
  if (instance->simple_instance_registered) return freed_by_pybind11()(self);
  PyTypeObject* type = Py_TYPE(self);
  {
    const py::error_scope kept;  // what lent memory may run code when it is let go
    if (instance->weakrefs) PyObject_ClearWeakRefs(self);
    static_cast<Tensor*>(instance->simple_value_holder[0])->~Tensor();
  }
  type->tp_free(self);
  Py_DECREF(type);
}

}  // namespace

bool is_tensor(py::handle object) { return Py_TYPE(object.ptr()) == tensor_type(); }

Tensor& unwrap(py::handle tensor) {
  return *static_cast<Tensor*>(reinterpret_cast<Instance*>(tensor.ptr())->simple_value_holder[0]);
}

py::object wrap(Tensor tensor) {
  PyTypeObject* type = tensor_type();
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) throw py::error_already_set();
  auto* instance = reinterpret_cast<Instance*>(self);
  instance->owned = instance->simple_layout = true;
  instance->simple_value_holder[0] = new (&instance->simple_value_holder[1]) Tensor(std::move(tensor));
  return py::reinterpret_steal<py::object>(self);
}

void free_tensors_directly() {
  freed_by_pybind11() = tensor_type()->tp_dealloc;
  tensor_type()->tp_dealloc = deallocate;
}

}  // namespace pt::bindings
