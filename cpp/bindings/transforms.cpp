// Transformations of functions from tensors to tensors. Python gives and takes flat lists; see
// powertrain/transforms.py.
#include "bindings/bindings.h"
#include "core/error.h"
#include "graph/vmap.h"

namespace pt::bindings {
namespace {

py::list wrapped(const Tensors& tensors) {
  py::list result;
  for (const Tensor& t : tensors) result.append(wrap(t));
  return result;
}

Tensors unwrapped(py::handle list, const char* where) {
  Tensors tensors;
  for (py::handle item : py::reinterpret_borrow<py::sequence>(list)) tensors.push_back(to_tensor(item, where));
  return tensors;
}

Function called(const py::function& function, const char* where) {
  return [function, where](const Tensors& inputs) { return unwrapped(function(wrapped(inputs)), where); };
}

py::list vmap(const py::function& function, const Tensors& inputs, const std::vector<bool>& batched, int64_t rows) {
  const std::vector<char> flags(batched.begin(), batched.end());
  return wrapped(vectorized(called(function, "vmap"), inputs, flags, rows));
}

py::list checkpoint(const py::function& function, const Tensors& inputs) {
  return wrapped(checkpointed(called(function, "checkpoint"), inputs));
}

py::list custom_gradient(const Tensors& outputs, const Tensors& inputs, const py::function& back) {
  return wrapped(with_gradient(outputs, inputs, called(back, "custom_gradient")));
}

}  // namespace

void register_transforms(py::module_& m) {
  m.def("vmap", &vmap, py::arg("function"), py::arg("inputs"), py::arg("batched"), py::arg("rows"));
  m.def("checkpoint", &checkpoint, py::arg("function"), py::arg("inputs"));
  m.def("custom_gradient", &custom_gradient, py::arg("outputs"), py::arg("inputs"), py::arg("back"));
}

}  // namespace pt::bindings
