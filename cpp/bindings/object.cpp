// The Python objects of tensors, slots and dtypes. pybind11 looks up the type of each object that it makes and notes it
// in a table, which takes longer than a small op. For a tensor this makes the same object with the tensor inside of it,
// and no table knows it.
#include <array>
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

template <class T>
PyTypeObject* type_of() {
  static auto* type = reinterpret_cast<PyTypeObject*>(py::detail::get_type_handle(typeid(T), true).ptr());
  return type;
}
PyTypeObject* tensor_type() { return type_of<Tensor>(); }

// What an object of a class of pybind11's owns.
template <class T>
T& owned_by(py::handle object) {
  return *static_cast<T*>(reinterpret_cast<Instance*>(object.ptr())->simple_value_holder[0]);
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
Tensor& unwrap(py::handle tensor) { return owned_by<Tensor>(tensor); }
bool is_slot(py::handle object) { return Py_TYPE(object.ptr()) == type_of<Slot>(); }
Slot& slot_of(py::handle slot) { return owned_by<Slot>(slot); }
bool is_dtype(py::handle object) { return Py_TYPE(object.ptr()) == type_of<DType>(); }
DType dtype_of(py::handle dtype) { return owned_by<DType>(dtype); }

py::object wrap(DType dtype) {
  // Members live as long as the process.
  static const auto members = [] {
    std::array<PyObject*, kDTypes> all;
    for (int i = 0; i < kDTypes; ++i) {
      const std::string name(info(static_cast<DType>(i)).name);
      all[static_cast<std::size_t>(i)] =
          PyObject_GetAttrString(reinterpret_cast<PyObject*>(type_of<DType>()), name.c_str());
    }
    return all;
  }();
  return py::reinterpret_borrow<py::object>(members[static_cast<std::size_t>(dtype)]);
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
