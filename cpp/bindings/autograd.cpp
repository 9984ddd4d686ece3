#include "bindings/bindings.h"
#include "core/error.h"
#include "graph/autodiff.h"
#include "ops/recorder.h"
#include "ops/tape.h"

namespace pt::bindings {
namespace {

py::list wrap_all(const Tensors& tensors) {
  py::list result;
  for (const Tensor& t : tensors) result.append(wrap(t));
  return result;
}

Tensors read_all(const std::vector<SlotRef>& slots) {
  Tensors values;
  for (const SlotRef& slot : slots) {
    if (!is_float(slot->type().dtype)) {
      throw DTypeError(text("[value_and_grad] ", slot->name, " is ", slot->type(),
                            "; expected floating-point parameters; leave it out"));
    }
    values.push_back(read_slot(slot));
  }
  return values;
}

Tensor scalar_loss(py::handle value) {
  const Tensor loss = to_tensor(value, "value_and_grad");
  if (loss.size() != 1 || !is_float(loss.dtype())) {
    throw ShapeError(text("[value_and_grad] the loss is ", loss.type(),
                          "; expected one floating-point number; take its mean() or sum()"));
  }
  return loss;
}

// fn() returns the loss, or (loss, anything) with has_aux.
py::tuple value_and_grad(const std::vector<SlotRef>& slots, const py::function& fn, bool has_aux) {
  if (tape_depth() == 0) begin_phase();
  const Tensors parameters = read_all(slots);
  Tensor loss;
  py::object value;
  {
    TapeScope tape;
    WatchScope watch(parameters);
    value = fn();
    if (has_aux) {
      if (!py::isinstance<py::tuple>(value) || py::len(value) != 2)
        throw DTypeError(
            "[value_and_grad] has_aux = True; expected the function to return (loss, auxiliary); return a pair");
      loss = scalar_loss(value.cast<py::tuple>()[0]);
    } else {
      loss = scalar_loss(value);
      value = wrap(loss);
    }
  }
  const Tensors grads = gradients({loss}, {Tensor::full(loss.type(), 1)}, parameters);
  return py::make_tuple(value, wrap_all(grads));
}

}  // namespace

void register_autograd(py::module_& m) {
  m.def("value_and_grad", &value_and_grad, py::arg("slots"), py::arg("fn"), py::arg("has_aux") = false);
  // Runs fn() under a tape that watches the tensors: what gradients() then goes back through.
  m.def(
      "with_tape",
      [](const std::vector<Tensor>& watched, const py::function& fn) {
        TapeScope tape;
        WatchScope watch(watched);
        return fn();
      },
      py::arg("watched"), py::arg("fn"));
  m.def(
      "gradients",
      [](const Tensors& outputs, const Tensors& cotangents, const Tensors& wrt) {
        return wrap_all(gradients(outputs, cotangents, wrt));
      },
      py::arg("outputs"), py::arg("cotangents"), py::arg("wrt"));
}

}  // namespace pt::bindings
