// Transformations of functions from tensors to tensors. Python gives and takes flat lists; see
// powertrain/autodiff/transforms.py.
#include "bindings/facts.h"
#include "core/error.h"
#include "graph/vmap.h"
#include "program/control.h"

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
  note_constants(inputs);
  const std::vector<char> flags(batched.begin(), batched.end());
  return wrapped(vectorized(called(function, "vmap"), inputs, flags, rows));
}

py::list checkpoint(const py::function& function, const Tensors& inputs) {
  note_constants(inputs);
  return wrapped(checkpointed(called(function, "checkpoint"), inputs));
}

py::list custom_gradient(const Tensors& outputs, const Tensors& inputs, const py::function& back) {
  note_constants(inputs);
  return wrapped(with_gradient(outputs, inputs, called(back, "custom_gradient")));
}

py::list scan_rows(const py::function& step, const Tensors& init, const Tensors& xs, int64_t length, bool reverse) {
  note_constants(init);
  note_constants(xs);
  return wrapped(scan(called(step, "scan"), init, xs, length, reverse));
}

py::list choose(const Tensor& which, const py::function& yes, const py::function& no, const Tensors& operands) {
  note_constant(which);
  note_constants(operands);
  return wrapped(cond(which, called(yes, "cond"), called(no, "cond"), operands));
}

py::list repeat_while(const py::function& condition, const py::function& step, const Tensors& init) {
  note_constants(init);
  return wrapped(while_loop(called(condition, "while_loop"), called(step, "while_loop"), init));
}

}  // namespace

void register_transforms(py::module_& m) {
  m.def("vmap", &vmap, py::arg("function"), py::arg("inputs"), py::arg("batched"), py::arg("rows"));
  m.def("scan", &scan_rows, py::arg("step"), py::arg("init"), py::arg("xs"), py::arg("length"), py::arg("reverse"));
  m.def("cond", &choose, py::arg("which"), py::arg("yes"), py::arg("no"), py::arg("operands"));
  m.def("while_loop", &repeat_while, py::arg("condition"), py::arg("step"), py::arg("init"));
  m.def("checkpoint", &checkpoint, py::arg("function"), py::arg("inputs"));
  m.def("custom_gradient", &custom_gradient, py::arg("outputs"), py::arg("inputs"), py::arg("back"));
}

}  // namespace pt::bindings
