#include <algorithm>

#include "bindings/facts.h"
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

Tensor read_parameter(const SlotRef& slot, const std::string& where) {
  if (!is_continuous(slot->type().dtype)) {
    throw DTypeError(
        text("[", where, "] ", slot->name, " is ", slot->type(), "; expected floating-point parameters; leave it out"));
  }
  return read_slot(slot);
}

Tensor scalar_loss(py::handle value, const std::string& where) {
  if (py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value)) {
    throw DTypeError(text("[", where, "] the function returned a ", py::str(py::type::of(value).attr("__name__")),
                          "; expected one floating-point number; to return more beside the loss, return (loss, more) ",
                          "and pass has_aux=True"));
  }
  if (value.is_none()) {
    throw DTypeError(
        text("[", where, "] the function returned None; expected one floating-point number; return the loss"));
  }
  const Tensor loss = to_tensor(value, where);
  if (!is_float(loss.dtype())) {
    throw DTypeError(text("[", where, "] the function returned ", loss.type(),
                          "; expected one floating-point number, which has derivatives; ",
                          is_complex(loss.dtype()) ? "take its abs() or real part" : "convert the result with astype"));
  }
  if (loss.size() != 1) {
    throw ShapeError(text("[", where, "] the function returned ", loss.type(),
                          "; expected one floating-point number; take its mean() or sum()"));
  }
  return loss;
}

// Row-sparse parameters of gradients that are to be made: each lookup is differentiated by the rows that it gave, and
// the table is a constant to it. Without tables named, it is of any.
struct Lookups {
  struct Lookup {
    SlotRef table;
    Tensor index, rows;
  };

  explicit Lookups(std::vector<SlotRef> tables, bool any = false)
      : tables(std::move(tables)), any(any), outer(innermost()) {
    innermost() = this;
  }
  ~Lookups() { innermost() = outer; }
  Lookups(const Lookups&) = delete;
  static Lookups*& innermost() {
    thread_local Lookups* lookups = nullptr;
    return lookups;
  }
  static uint64_t trace_now() { return active_recorder() ? active_recorder()->id() : 0; }
  bool takes(const SlotRef& table) const {
    return any || std::find(tables.begin(), tables.end(), table) != tables.end();
  }

  std::vector<SlotRef> tables;
  bool any;
  std::vector<Lookup> made;
  uint64_t trace = trace_now();
  Lookups* outer;
};

Tensor look_up(const Tensor& index, const SlotRef& table) {
  note_constant(index);
  const Tensor value = read_slot(table);
  for (Lookups* here = Lookups::innermost(); here; here = here->outer) {
    if (!here->takes(table)) continue;
    if (Lookups::trace_now() != here->trace) {
      throw TraceError(
          text("[embedding] ", table->name, " has row-sparse gradients and is read inside of a function ",
               "that is recorded by itself, as by checkpoint, scan or vmap; expected it outside; look rows ",
               "up before and pass them, or make the layer with sparse=False"));
    }
    here->made.push_back({table, index, fn::embedding(index, fn::stop_gradient(value))});
    return here->made.back().rows;
  }
  return fn::embedding(index, value);
}

// The gradients of a loss by values and by lookups in tables: of those (number of the table, index, gradient), without
// lookups that the loss does not depend on.
struct Reached {
  py::list grads, rows;
  bool any = false;  // of the values and tables that the loss depends on
};

Reached gradients_by_rows(const Tensor& loss, const Tensor& cotangent, const Tensors& values,
                          const std::vector<SlotRef>& tables) {
  Tensors wanted = values;
  for (const SlotRef& table : tables) wanted.push_back(read_slot(table));
  std::vector<std::pair<std::size_t, const Lookups::Lookup*>> lookups;
  for (const Lookups* here = Lookups::innermost(); here; here = here->outer) {
    for (const Lookups::Lookup& lookup : here->made) {
      const auto found = std::find(tables.begin(), tables.end(), lookup.table);
      if (found == tables.end()) continue;
      lookups.emplace_back(found - tables.begin(), &lookup);
      wanted.push_back(lookup.rows);
    }
  }
  const Tensors found = gradients_reached({loss}, {cotangent}, wanted);
  Reached result;
  for (const Tensor& gradient : found) result.any = result.any || gradient.defined();
  for (std::size_t i = 0; i < values.size(); ++i) {
    result.grads.append(wrap(found[i].defined() ? found[i] : zeros_beside(wanted[i])));
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (found[values.size() + i].defined()) {
      throw Error(text("[value_and_grad] ", tables[i]->name,
                       " has row-sparse gradients, and the loss depends on it otherwise than by its lookups; expected ",
                       "lookups alone; make the layer with sparse=False"));
    }
  }
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const Tensor& gradient = found[values.size() + tables.size() + i];
    const auto& [table, lookup] = lookups[i];
    if (gradient.defined()) result.rows.append(py::make_tuple(table, wrap(lookup->index), wrap(gradient)));
  }
  return result;
}

// The value of fn() and its gradients by the variables, which are tensors and slots. fn() returns the loss, or
// (loss, anything) with has_aux.
py::tuple value_and_grad(const std::vector<py::object>& variables, const std::vector<SlotRef>& tables,
                         const py::function& fn, bool has_aux, const std::string& where) {
  bool slots = !tables.empty();
  Tensors values;
  for (const py::object& variable : variables) {
    slots = slots || !is_tensor(variable);
    values.push_back(is_tensor(variable) ? unwrap(variable) : read_parameter(variable.cast<SlotRef>(), where));
  }
  // What the function writes to slots is undone if a guard of the update refuses the gradients.
  if (slots && tape_depth() == 0) begin_phase();
  Tensors watched = values;
  for (const SlotRef& table : tables) watched.push_back(read_parameter(table, where));
  Lookups lookups(tables);
  Tensor loss;
  py::object value;
  {
    TapeScope tape;
    WatchScope watch(watched);
    value = fn();
    if (has_aux) {
      if (!py::isinstance<py::tuple>(value) || py::len(value) != 2) {
        throw DTypeError(text("[", where, "] has_aux = True and the function returned a ",
                              py::str(py::type::of(value).attr("__name__")),
                              "; expected (loss, auxiliary); return a pair"));
      }
      loss = scalar_loss(value.cast<py::tuple>()[0], where);
    } else {
      loss = scalar_loss(value, where);
      value = wrap(loss);
    }
  }
  const Reached found = gradients_by_rows(loss, Tensor::full(loss.type(), 1), values, tables);
  // Of tensors a gradient of zeros may be meant; a model that a step does not train is a mistake.
  if (slots && !found.any) {
    throw ShapeError(text("[", where, "] the loss depends on none of the ", watched.size(),
                          " parameters; expected a function that ",
                          "computes it with the model; write lambda x, y: loss_fn(model(x), y) for the function"));
  }
  return py::make_tuple(value, found.grads, found.rows);
}

}  // namespace

void register_autograd(py::module_& m) {
  m.def("value_and_grad", &value_and_grad, py::arg("variables"), py::arg("tables"), py::arg("fn"), py::arg("has_aux"),
        py::arg("where"));
  m.def(
      "look_up",
      [](py::handle index, const SlotRef& table) { return wrap(look_up(to_tensor(index, "embedding"), table)); },
      py::arg("index"), py::arg("table"));
  m.def(
      "gradients_by_rows",
      [](const Tensor& loss, const Tensor& cotangent, const Tensors& values, const std::vector<SlotRef>& tables) {
        const Reached found = gradients_by_rows(loss, cotangent, values, tables);
        return py::make_tuple(found.grads, found.rows, found.any);
      },
      py::arg("loss"), py::arg("cotangent"), py::arg("values"), py::arg("tables"));
  // Runs fn(), while lookups in row-sparse tables are what gradients_by_rows() will be by.
  m.def(
      "with_lookups",
      [](const py::function& fn) {
        const Lookups lookups({}, true);
        return fn();
      },
      py::arg("fn"));
  m.def(
      "own", [](const Tensor& x) { return wrap(with_own_identity(x)); }, py::arg("x"));
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
  m.def(
      "gradients_along",
      [](const Tensor& loss, const Tensor& cotangent, const Tensors& values) {
        return wrap_all(gradients_along({loss}, {cotangent}, values));
      },
      py::arg("loss"), py::arg("cotangent"), py::arg("values"));
}

}  // namespace pt::bindings
