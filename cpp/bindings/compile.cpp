// CompiledFunction: a C type with the vectorcall protocol, because for a small model the call is the step.
#include <algorithm>
#include <cstddef>

#include "bindings/compiled_function.h"
#include "bindings/facts.h"
#include "bindings/results_into.h"
#include "core/error.h"
#include "graph/passes/passes.h"
#include "ops/autocast.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

using State = CompiledState;

// What an entry needs to give results back as the function returned them.
struct Extra {
  Tree results;
  std::vector<py::object> kept;
  std::vector<std::size_t> assigned;  // tensors among the arguments whose objects get the last results as their values
};

Flattened scan_arguments(State& state, PyObject* const* args, Py_ssize_t given, PyObject* names,
                         std::vector<py::object>* leaves = nullptr) {
  Flattened flat;
  flat.leaves = leaves;
  for (Py_ssize_t i = 0; i < given; ++i) scan(args[i], flat, state.name);
  for (Py_ssize_t k = 0, n = names ? PyTuple_GET_SIZE(names) : 0; k < n; ++k) {
    flat.frozen += py::cast<std::string>(PyTuple_GET_ITEM(names, k)) + "=";
    scan(args[given + k], flat, state.name);
  }
  return flat;
}

// How often a function is traced for one call, where other threads lay out slots meanwhile.
constexpr int kTraces = 3;

// Null if slots were laid out meanwhile. Sets `by_function` while the function itself runs: what it raises is its own.
CompiledStep::EntryRef trace(State& state, const Signature& signature, PyObject* const* args, Py_ssize_t given,
                             PyObject* names, bool& by_function) {
  const std::string cause = state.step.retrace_cause(signature);
  auto extra = std::make_shared<Extra>();
  const auto facts = std::make_shared<PythonFacts>();
  const auto body = [&](const Tensors& symbols) {
    Flattened flat;
    std::size_t used = 0;
    std::vector<py::object> made;
    // The arguments again, with symbolic tensors in the places of the concrete ones.
    auto symbolic = [&](PyObject* argument) {
      Flattened one;
      const Unnoted unnoted;  // an argument is no constant
      const Tree tree = flatten(argument, one, state.name, false);
      const Tensors own(symbols.begin() + static_cast<std::ptrdiff_t>(used),
                        symbols.begin() + static_cast<std::ptrdiff_t>(used + one.tensors.size()));
      used += one.tensors.size();
      for (py::object& object : one.kept) extra->kept.push_back(object);
      return unflatten(tree, own, &made);
    };
    py::tuple positional(given);
    for (Py_ssize_t i = 0; i < given; ++i) positional[i] = symbolic(args[i]);
    py::dict named;
    for (Py_ssize_t k = 0, n = names ? PyTuple_GET_SIZE(names) : 0; k < n; ++k) {
      named[py::handle(PyTuple_GET_ITEM(names, k))] = symbolic(args[given + k]);
    }
    by_function = true;
    const py::object result = state.function(*positional, **named);
    by_function = false;
    extra->results = flatten(result, flat, state.name, true);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      if (unwrap(made[i]).ref() == symbols[i].ref()) continue;
      extra->assigned.push_back(i);
      flat.tensors.push_back(unwrap(made[i]));
    }
    facts->settle(state.function, extra->kept);
    return flat.tensors;
  };
  const CompiledStep::EntryRef entry = state.step.trace(signature, body, extra, facts);
  if (entry && !cause.empty()) state.on_retrace(state.name, state.step.traces(), cause, entry->trace_seconds);
  return entry;
}

// The arguments that the function assigns to, as by `x[0] = 1`. Looked at before anything runs.
std::vector<py::object> to_assign(State& state, const Extra& extra, PyObject* const* args, Py_ssize_t given,
                                  PyObject* names) {
  std::vector<py::object> objects, leaves;
  scan_arguments(state, args, given, names, &leaves);
  for (const std::size_t place : extra.assigned) {
    const py::object& object = leaves[place];
    check_assignable(object, state.name);
    if (std::count_if(leaves.begin(), leaves.end(), [&](const py::object& leaf) { return leaf.is(object); }) > 1)
      throw DTypeError(text("[", state.name,
                            "] received one tensor as two arguments and assigns to one of them; "
                            "expected two tensors; pass x.copy() for one"));
    objects.push_back(object);
  }
  return objects;
}

// The device of the arguments that lie on one; null without any. What is on the host goes where the step runs.
const Target* device_of_arguments(const State& state, const Tensors& tensors) {
  const Tensor* first = nullptr;
  for (const Tensor& t : tensors) {
    if (t.impl().buffer->on_host()) continue;
    if (!first) first = &t;
    if (&t.impl().buffer->memory() == &first->impl().buffer->memory()) continue;
    throw DTypeError(text("[", state.name, "] received ", first->type(), " on ", device_of(*first), " and ", t.type(),
                          " on ", device_of(t), "; expected all tensors on one device; move one with .to('",
                          device_of(*first), "')"));
  }
  return first ? &target_of(first->impl().buffer->memory()) : nullptr;
}

// The program for these arguments, which `flat` has, traced and planned if there is none.
CompiledStep::EntryRef find_or_trace(State& state, Flattened& flat, PyObject* const* args, Py_ssize_t given,
                                     PyObject* names, bool& by_function) {
  Signature signature;
  signature.frozen = std::move(flat.frozen);
  if (autocast_dtype() != DType::F32) {
    signature.frozen += text("autocast=", info(autocast_dtype()).brief, autocast_exact() ? ", dots=exact" : "");
  }
  for (const Tensor& t : flat.tensors) {
    if (!t.concrete())
      throw TraceError(text(
          "[", state.name,
          "] received a symbolic tensor outside of its trace; expected a value; return it from the step that made it"));
    signature.types.push_back(t.type());
  }
  if (!state.step.options().backend) {  // which does not look at it
    const Target* target = device_of_arguments(state, flat.tensors);
    signature.placed = target;
    if (!target) target = flat.tensors.empty() ? &current_target() : &target_of(host_memory());
    signature.context = target->context();
  }
  CompiledStep::EntryRef entry = state.step.find(signature);
  for (int tries = 1; !entry; ++tries) {
    entry = trace(state, signature, args, given, names, by_function);
    if (!entry && tries == kTraces)
      throw TraceError(text("[", state.name, "] slots that it reads were laid out by another thread each time that it ",
                            "was traced; expected them to stay; make optimizers before the first call"));
  }
  return entry;
}

PyObject* run(State& state, PyObject* const* args, Py_ssize_t given, PyObject* names, bool& by_function) {
  Flattened flat = scan_arguments(state, args, given, names);
  const CompiledStep::EntryRef entry = find_or_trace(state, flat, args, given, names, by_function);
  const auto& extra = *static_cast<const Extra*>(entry->extra.get());
  std::vector<py::object> assigned;
  if (!extra.assigned.empty()) assigned = to_assign(state, extra, args, given, names);
  for (Tensor& t : flat.tensors) t = to_row_major(t);
  Tensors results;
  RunReport report;
  try {
    results = entry->foreign ? entry->foreign->run(flat.tensors, &report) : entry->program->run(flat.tensors, &report);
  } catch (...) {
    state.last = report;
    throw;
  }
  state.last = report;
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    give_value(assigned[i], results[results.size() - assigned.size() + i]);
  }
  return unflatten(extra.results, results).release().ptr();
}

// The arguments of the first of several calls, which lie along the first axis of `stacked`.
Tensors first_of(const State& state, const Tensors& stacked, Py_ssize_t given) {
  const std::string where = text("[", state.name, ".each] ");
  if (stacked.empty() || static_cast<Py_ssize_t>(stacked.size()) != given)
    throw DTypeError(text(where, "received ", given, " arguments, of which ", stacked.size(),
                          " are tensors; expected tensors or arrays alone, with an entry for each call along the first "
                          "axis; give what is the same in all calls to the function by a closure"));
  Tensors first;
  for (const Tensor& t : stacked) {
    if (t.symbolic() || t.ndim() == 0 || t.shape()[0] == 0 || t.shape()[0] != stacked[0].shape()[0])
      throw ShapeError(text(where, "received ", stacked[0].type(), " and ", t.type(),
                            "; expected as many entries along the first axis of each, one or more; each(x, y) calls "
                            "the function with x[0] and y[0], then with x[1] and y[1]"));
    TensorType type = t.type();
    type.shape.erase(0);
    first.push_back(Tensor::view(t.impl().buffer, type, row_major(type.shape), t.impl().offset));
  }
  return first;
}

PyObject* run_each(State& state, PyObject* const* args, Py_ssize_t given, bool& by_function) {
  Flattened stacked = scan_arguments(state, args, given, nullptr);
  for (Tensor& t : stacked.tensors) t = to_row_major(t);
  std::vector<py::object> first;
  std::vector<PyObject*> pointers;
  for (const Tensor& t : first_of(state, stacked.tensors, given)) {
    first.push_back(wrap(t));
    pointers.push_back(first.back().ptr());
  }
  Flattened flat = scan_arguments(state, pointers.data(), given, nullptr);
  const CompiledStep::EntryRef entry = find_or_trace(state, flat, pointers.data(), given, nullptr, by_function);
  const auto& extra = *static_cast<const Extra*>(entry->extra.get());
  if (entry->foreign || !extra.assigned.empty())
    throw Error(text(
        "[", state.name, ".each] the function ", entry->foreign ? "is run by a backend" : "assigns to its arguments",
        "; expected one that the engine runs, and that assigns to slots alone; call it once for each entry"));
  RunReport report;
  Tensors results;
  try {
    results = entry->program->run_each(stacked.tensors, stacked.tensors[0].shape()[0], &report);
  } catch (...) {
    state.last = report;
    throw;
  }
  state.last = report;
  return unflatten(extra.results, results).release().ptr();
}

// The first argument lends the arrays: it gets the types of the results, and is called once the program is there.
PyObject* run_into(State& state, PyObject* const* args, Py_ssize_t given, PyObject* names, bool& by_function) {
  Flattened flat = scan_arguments(state, args + 1, given - 1, names);
  const CompiledStep::EntryRef entry = find_or_trace(state, flat, args + 1, given - 1, names, by_function);
  const auto& extra = *static_cast<const Extra*>(entry->extra.get());
  if (!extra.assigned.empty())
    throw Error(text("[", state.name,
                     ".into] the function assigns to its arguments; expected one that assigns to slots ",
                     "alone; call it as it is"));
  for (Tensor& t : flat.tensors) t = to_row_major(t);
  const Graph& graph = entry->foreign ? entry->foreign->graph() : entry->program->graph();
  Types types;
  for (const int result : graph.results) types.push_back(graph.values[result].type);
  by_function = true;  // what `lend` raises is its own
  const LentResults lent(args[0], types, flat.tensors, state.name);
  by_function = false;
  RunReport report;
  try {
    if (!entry->foreign && entry->program->context().target->memory().on_host() && lent.aligned()) {
      entry->program->run_into(lent.buffers(), flat.tensors, &report);
    } else {
      lent.fill(entry->foreign ? entry->foreign->run(flat.tensors, &report)
                               : entry->program->run(flat.tensors, &report));
    }
  } catch (...) {
    state.last = report;
    throw;
  }
  state.last = report;
  return lent.arrays().release().ptr();
}

// What `body` gives; what it throws as Python's error.
template <class Body>
PyObject* answered(State& state, PyObject* const* args, Py_ssize_t given, PyObject* names, Body body) {
  bool by_function = false;
  try {
    return body(by_function);
  } catch (...) {
    translate_current_exception();
    if (!by_function)
      raise_leftover_again(state.name, "arguments and results of tensors, numbers, lists, tuples and dicts", args,
                           given, names);
    return nullptr;
  }
}

PyObject* call(PyObject* callable, PyObject* const* args, std::size_t flags, PyObject* names) {
  State& state = state_of(callable);
  const Py_ssize_t given = PyVectorcall_NARGS(flags);
  // Inside another trace, and for a gradient, a compiled function is its function: whoever listens hears its calls.
  if (active_recorder() || tape_depth() > 0)
    return PyObject_Vectorcall(state.function.ptr(), args, static_cast<std::size_t>(given), names);
  return answered(state, args, given, names,
                  [&](bool& by_function) { return run(state, args, given, names, by_function); });
}

PyObject* plan(PyObject* self, PyObject* const* args, Py_ssize_t given, PyObject* names) {
  State& state = state_of(self);
  return answered(state, args, given, names, [&](bool& by_function) {
    Flattened flat = scan_arguments(state, args, given, names);
    find_or_trace(state, flat, args, given, names, by_function);
    return Py_NewRef(Py_None);
  });
}

PyObject* into(PyObject* self, PyObject* const* args, Py_ssize_t given, PyObject* names) {
  State& state = state_of(self);
  return answered(state, args, given, names, [&](bool& by_function) {
    if (given == 0 || !PyCallable_Check(args[0]))
      throw DTypeError(text("[", state.name, ".into] received ", given ? Py_TYPE(args[0])->tp_name : "nothing",
                            "; expected a function first, which gets the sizes of the results and gives arrays; ",
                            "write into(lambda sizes: arrays, x)"));
    if (tape_depth() > 0 || active_recorder())
      throw TraceError(text("[", state.name, ".into] is called inside of a trace or for a gradient; expected values; ",
                            "call the function itself there"));
    return run_into(state, args, given, names, by_function);
  });
}

PyObject* each(PyObject* self, PyObject* const* args, Py_ssize_t given) {
  State& state = state_of(self);
  return answered(state, args, given, nullptr, [&](bool& by_function) {
    if (tape_depth() > 0 || active_recorder())
      throw TraceError(text("[", state.name, ".each] is called inside of a trace or for a gradient; expected values; ",
                            "write pt.scan there"));
    return run_each(state, args, given, by_function);
  });
}

void deallocate(PyObject* self) {
  PyObject_GC_UnTrack(self);
  auto* function = reinterpret_cast<CompiledFunction*>(self);
  delete function->state;
  function->state = nullptr;
  Py_CLEAR(function->dict);
  PyObject_GC_Del(self);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  auto* function = reinterpret_cast<CompiledFunction*>(self);
  if (function->state) {
    Py_VISIT(function->state->function.ptr());
    for (const auto& entry : function->state->step.entries()) {
      const auto* facts = static_cast<const PythonFacts*>(entry->facts.get());
      if (const int stop = facts ? facts->visit(visit, arg) : 0) return stop;
    }
  }
  Py_VISIT(function->dict);
  return 0;
}

int clear(PyObject* self) {
  auto* function = reinterpret_cast<CompiledFunction*>(self);
  if (function->state) function->state->function = py::none();
  Py_CLEAR(function->dict);
  return 0;
}

PyObject* bind_method(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* get_traces(PyObject* self, void*) { return PyLong_FromLong(state_of(self).step.traces()); }
PyObject* get_tripped(PyObject* self, void*) { return PyBool_FromLong(state_of(self).last.tripped_phase >= 0); }
PyObject* get_wrapped(PyObject* self, void*) { return state_of(self).function.inc_ref().ptr(); }
PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(state_of(self).name.c_str()); }

PyMethodDef methods[] = {
    {"plan", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(plan)), METH_FASTCALL | METH_KEYWORDS,
     "Traces and plans for such arguments, and runs nothing."},
    {"each", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(each)), METH_FASTCALL,
     "One call for each entry along the first axis of the arguments, in order; the results along a first axis."},
    {"into", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(into)), METH_FASTCALL | METH_KEYWORDS,
     "One call whose results are written into arrays that its first argument lends."},
    {"describe", describe_compiled, METH_NOARGS, "The programs as a person reads them."},
    {"captured", captured_by_compiled, METH_NOARGS,
     "What the program used last took from Python: attributes, flags, closures and globals, as sorted lines."},
    {"profile", profile_compiled, METH_VARARGS, "Runs one step; seconds per instruction."},
    {"places", places_of_compiled, METH_VARARGS,
     "Runs one step; the processor of each chunk of each shared instruction."},
    {"record", record_compiled, METH_VARARGS, "What a device is told to do in one step; nothing is executed."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef accessors[] = {
    {"programs", programs_of_compiled, nullptr, "The programs, the last used one first.", nullptr},
    {"traces", get_traces, nullptr, "How often the function was traced.", nullptr},
    {"tripped", get_tripped, nullptr, "Whether a guard tripped in the last call.", nullptr},
    {"__wrapped__", get_wrapped, nullptr, nullptr, nullptr},
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyTypeObject* compiled_type() {
  static PyTypeObject type = [] {
    PyTypeObject t{};
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(&t), 1);
    t.tp_name = "powertrain.CompiledFunction";
    t.tp_basicsize = sizeof(CompiledFunction);
    t.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_HAVE_GC;
    t.tp_vectorcall_offset = offsetof(CompiledFunction, call);
    t.tp_call = PyVectorcall_Call;
    t.tp_descr_get = bind_method;
    t.tp_getattro = attribute_or_hint;
    t.tp_methods = methods;
    t.tp_getset = accessors;
    t.tp_dealloc = deallocate;
    t.tp_traverse = traverse;
    t.tp_clear = clear;
    t.tp_dictoffset = offsetof(CompiledFunction, dict);
    return t;
  }();
  static const bool ready = PyType_Ready(&type) == 0;
  if (!ready) throw py::error_already_set();
  return &type;
}

py::object make(const py::object& function, const std::string& name, const py::object& on_retrace,
                CompileOptions options) {
  auto* compiled = PyObject_GC_New(CompiledFunction, compiled_type());
  if (!compiled) throw py::error_already_set();
  compiled->call = call;
  compiled->dict = nullptr;
  compiled->state = new State(std::move(options));
  compiled->state->function = function;
  compiled->state->on_retrace = on_retrace;
  compiled->state->name = name;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(compiled));
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(compiled));
}

py::object compile(const py::object& function, const std::string& name, const py::object& on_retrace, bool simplify,
                   bool fuse, bool skips, int limit, const py::object& backend) {
  CompileOptions options;
  for (auto [name, on] : {std::pair("simplify", simplify), std::pair("fuse", fuse)}) {
    if (!on) options.passes.off.insert(name);
  }
  options.skips = skips;
  options.limit = limit;
  if (!backend.is_none()) {
    options.backend = [backend](Graph source) { return make_backend_step(backend, std::move(source)); };
  }
  return make(function, name, on_retrace, std::move(options));
}

// The same function, to be traced again, without a pass or a rewrite rule.
py::object compiled_without(const py::object& compiled, const std::string& pass) {
  if (!PyObject_TypeCheck(compiled.ptr(), compiled_type()))
    throw DTypeError(text("[compile] received ", Py_TYPE(compiled.ptr())->tp_name,
                          "; expected a compiled function; make one with pt.compile"));
  const State& state = state_of(compiled.ptr());
  CompileOptions options = state.step.options();
  options.passes.off.insert(pass);
  return make(state.function, state.name, state.on_retrace, std::move(options));
}

}  // namespace

void register_compile(py::module_& m) {
  m.attr("CompiledFunction") = py::handle(reinterpret_cast<PyObject*>(compiled_type()));
  m.def("make_compiled", &compile, py::arg("function"), py::arg("name"), py::arg("on_retrace"), py::arg("simplify"),
        py::arg("fuse"), py::arg("skips"), py::arg("limit"), py::arg("backend") = py::none());
  m.def("compiled_without", &compiled_without, py::arg("compiled"), py::arg("pass_"),
        "The same function, to be traced again, without a pass or a rewrite rule.");
  m.def("pass_names", &pass_names, "Of the passes and the rewrite rules.");
  m.def(
      "trace_id", [] { return active_recorder() ? active_recorder()->id() : 0; },
      "The number of the trace that records what this thread calls; 0 if none does.");
}

}  // namespace pt::bindings
