#include <algorithm>

#include "bindings/bindings.h"
#include "core/error.h"
#include "graph/autodiff.h"
#include "ops/functional.h"
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
    if (!is_continuous(slot->type().dtype)) {
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

// Row-sparse parameters of a gradient that is being made: each lookup is differentiated by the rows that it gave, and
// the table is a constant to it.
struct Lookups {
  explicit Lookups(std::vector<SlotRef> tables) : tables(std::move(tables)), outer(innermost()) { innermost() = this; }
  ~Lookups() { innermost() = outer; }
  Lookups(const Lookups&) = delete;
  static Lookups*& innermost() {
    thread_local Lookups* lookups = nullptr;
    return lookups;
  }

  std::vector<SlotRef> tables;
  std::vector<std::size_t> table_of;  // by lookup
  Tensors index, rows;
  uint64_t trace = active_recorder() ? active_recorder()->id() : 0;
  Lookups* outer;
};

Tensor look_up(const Tensor& index, const SlotRef& table) {
  const Tensor value = read_slot(table);
  for (Lookups* here = Lookups::innermost(); here; here = here->outer) {
    const auto found = std::find(here->tables.begin(), here->tables.end(), table);
    if (found == here->tables.end()) continue;
    if ((active_recorder() ? active_recorder()->id() : 0) != here->trace) {
      throw TraceError(
          text("[embedding] ", table->name, " has row-sparse gradients and is read inside of a function ",
               "that is recorded by itself, as by checkpoint, scan or vmap; expected it outside; look rows ",
               "up before and pass them, or make the layer with sparse=False"));
    }
    here->table_of.push_back(static_cast<std::size_t>(found - here->tables.begin()));
    here->index.push_back(index);
    here->rows.push_back(fn::call("embedding", {index, fn::call("stop_gradient", {value})}));
    return here->rows.back();
  }
  return fn::call("embedding", {index, value});
}

// fn() returns the loss, or (loss, anything) with has_aux. Of tables there are (number, index, gradient of the rows).
py::tuple value_and_grad(const std::vector<SlotRef>& slots, const py::function& fn, bool has_aux,
                         const std::vector<SlotRef>& tables) {
  if (tape_depth() == 0) begin_phase();
  Tensors wanted = read_all(slots);
  const Tensors whole = read_all(tables);
  wanted.insert(wanted.end(), whole.begin(), whole.end());
  Lookups lookups(tables);
  Tensor loss;
  py::object value;
  {
    TapeScope tape;
    WatchScope watch(wanted);
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
  wanted.insert(wanted.end(), lookups.rows.begin(), lookups.rows.end());
  const Tensors found = gradients_reached({loss}, {Tensor::full(loss.type(), 1)}, wanted);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (found[slots.size() + i].defined()) {
      throw Error(text("[value_and_grad] ", tables[i]->name,
                       " has row-sparse gradients, and the loss depends on it otherwise than by its lookups; expected ",
                       "lookups alone; make the layer with sparse=False"));
    }
  }
  const auto gradient = [&](std::size_t i) {
    return wrap(found[i].defined() ? found[i] : fn::zeros(wanted[i].type()));
  };
  py::list grads, rows;
  for (std::size_t i = 0; i < slots.size(); ++i) grads.append(gradient(i));
  for (std::size_t i = 0; i < lookups.rows.size(); ++i) {
    rows.append(
        py::make_tuple(lookups.table_of[i], wrap(lookups.index[i]), gradient(slots.size() + tables.size() + i)));
  }
  return py::make_tuple(value, grads, rows);
}

}  // namespace

void register_autograd(py::module_& m) {
  m.def("value_and_grad", &value_and_grad, py::arg("slots"), py::arg("fn"), py::arg("has_aux"), py::arg("tables"));
  m.def(
      "look_up",
      [](py::handle index, const SlotRef& table) { return wrap(look_up(to_tensor(index, "embedding"), table)); },
      py::arg("index"), py::arg("table"));
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
