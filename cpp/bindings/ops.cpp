// Each op of the registry as a Python callable. A type of our own with the vectorcall protocol: eager calls of small
// ops are mostly call overhead.
#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "bindings/prepared_call.h"
#include "core/error.h"
#include "ops/autocast.h"
#include "ops/promotion.h"
#include "ops/recorder.h"

namespace pt::bindings {

std::string_view& called_name() {
  thread_local std::string_view name;
  return name;
}

void name_the_call(const std::string& own, const std::string& preset) {
  if (!PyErr_Occurred() || !PyErr_ExceptionMatches(PyExc_IndexError)) return;
  py::error_already_set error;
  const std::string said = py::str(error.value());
  const auto location = said.starts_with(own) ? locator()() : nullptr;
  std::string called = location ? namer()(*location) : std::string();
  if (called.empty()) called = preset;
  if (!location || called.empty()) {
    error.restore();
  } else {
    PyErr_SetString(error.type().ptr(), ("[" + called + said.substr(said.find(']'))).c_str());
  }
}

py::object attr_object(const Attr& value) {
  return std::visit(
      [](const auto& v) -> py::object {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>)
          return py::none();
        else if constexpr (std::is_same_v<T, Ints>)
          return py::tuple(py::cast(v));
        else
          return py::cast(v);
      },
      value);
}

namespace {

// What the spec says, its example last: for help(), stubs and the API reference.
std::string documentation(const Op& op) {
  std::string said = op.doc;
  if (op.example.empty()) return said;
  said += "\nExample";
  std::istringstream lines(op.example);
  for (std::string line; std::getline(lines, line);) said += line.empty() ? "\n" : "\n    " + line;
  return said;
}

py::dict describe(const Op& op) {
  static const char* kinds[] = {"bool", "int", "float", "str", "ints", "dtype"};
  static const char* takes[] = {"any", "number", "float", "integer", "bits", "bool"};
  static const char* precisions[] = {"follows", "low", "full", "full inside"};
  py::dict d;
  py::list inputs, attrs;
  for (const InputSpec& spec : op.inputs) {
    py::dict i;
    i["name"] = spec.name;
    i["takes"] = takes[static_cast<int>(spec.takes)];
    i["optional"] = spec.optional;
    i["list"] = spec.list;
    inputs.append(i);
  }
  for (const AttrSpec& spec : op.attrs) {
    py::dict a;
    a["name"] = spec.name;
    a["kind"] = kinds[static_cast<int>(spec.kind)];
    a["default"] = attr_object(spec.preset);
    a["required"] = spec.required;
    a["nullable"] = spec.nullable;
    attrs.append(a);
  }
  d["name"] = op.name;
  d["inputs"] = inputs;
  d["attrs"] = attrs;
  d["outputs"] = op.outputs;
  d["differentiable"] = op.differentiable() && !op.no_gradient;
  d["has_compose"] = op.compose != nullptr;
  d["has_vjp"] = op.vjp != nullptr;
  d["has_kernel"] = op.has_kernel();
  d["is_view"] = op.view != nullptr;
  d["elementwise"] = op.elementwise;
  d["random"] = op.random;
  d["precision"] = precisions[static_cast<int>(precision_of(op))];
  d["doc"] = op.doc;
  d["example"] = op.example;
  d["documentation"] = documentation(op);
  return d;
}

struct OpFunction {
  PyObject_HEAD vectorcallfunc call;
  const Op* op;
  Operands operands;
  PyObject* doc;
  PyObject* dict;
};

struct Parsed {
  Tensors inputs;
  Attrs attrs;
};

// The module in which users find an op, as powertrain.ops.functional says.
std::string home(const Op& op) {
  return py::cast<std::string>(py::module_::import("powertrain.ops.functional").attr("home")(op.name));
}

// What to write where an argument is missing, or one too many: what users of another library mean by it, or where to
// read.
std::string advice(const Op& op, const std::string& argument) {
  const py::object said = py::module_::import("powertrain.errors.arguments").attr("advice")(op.name, argument);
  return said.is_none() ? text("see help(", home(op), ".", op.name, ")") : py::cast<std::string>(said);
}

[[noreturn]] void too_many(const Op& op, Py_ssize_t given) {
  throw DTypeError(text("[", op.name, "] received ", given, " positional arguments; expected at most ",
                        op.inputs.size() + op.attrs.size(), "; ", advice(op, "")));
}

std::vector<std::string> parameters(const Op& op) {
  std::vector<std::string> names;
  for (const InputSpec& spec : op.inputs) names.push_back(spec.name);
  for (const AttrSpec& spec : op.attrs) names.push_back(spec.name);
  return names;
}

[[noreturn]] void unknown_keyword(const Op& op, const std::string& name, PyObject* const* args, Py_ssize_t given,
                                  PyObject* names) {
  py::list inputs;
  for (const InputSpec& spec : op.inputs) {
    if (!spec.optional) inputs.append(spec.name);
  }
  const std::vector<std::string> known = parameters(op);
  py::dict call;
  for (Py_ssize_t i = 0; i < given; ++i) call[py::str(known[i])] = py::handle(args[i]);
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); ++k)
    call[py::handle(PyTuple_GET_ITEM(names, k))] = py::handle(args[given + k]);
  const py::object said =
      py::module_::import("powertrain.errors.arguments").attr("keyword")(op.name, inputs, py::cast(known), name, call);
  if (!said.is_none()) throw DTypeError(py::cast<std::string>(said));
  std::string listed;
  for (const std::string& parameter : known) listed += (listed.empty() ? "" : ", ") + parameter;
  throw DTypeError(
      text("[", op.name, "] ", name, " is no parameter of ", op.name, "; expected ", listed, "; check the spelling"));
}

Tensor input_tensor(const Op& op, const InputSpec& spec, py::handle value) {
  if (value.is_none()) {
    if (spec.optional) return Tensor();
    const py::object said = py::module_::import("powertrain.errors.arguments").attr("of_none")(op.name);
    throw DTypeError(text("[", op.name, "] ", spec.name, " is None; expected a tensor; ", py::cast<std::string>(said)));
  }
  Tensor tensor = to_tensor(value, op.name);
  // A view of borrowed memory would change with its owner.
  return op.view ? own(tensor) : tensor;
}

// Numbers go to a device by themselves, and so do indices; a tensor is moved by who knows what that costs.
void check_places(const Op& op, const Tensors& inputs) {
  const Tensor *there = nullptr, *on_host = nullptr;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i];
    if (!input.concrete()) continue;
    if (!input.impl().buffer->on_host()) {
      there = &input;
    } else if (input.ndim() > 0 && input_spec(op, i, inputs.size()).promoted) {
      on_host = &input;
    }
  }
  if (!there || !on_host) return;
  throw DTypeError(text("[", op.name, "] received ", on_host->type(), " on cpu beside ", there->type(), " on ",
                        device_of(*there), "; expected all on one device; move it there with .to('", device_of(*there),
                        "')"));
}

void place_list(const Op& op, py::handle value, Tensors& inputs) {
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr())) {
    throw DTypeError(text("[", op.name, "] ", op.inputs[0].name, " is ", Py_TYPE(value.ptr())->tp_name,
                          "; expected a list of tensors; pass [a, b]"));
  }
  for (py::handle item : py::reinterpret_borrow<py::sequence>(value))
    inputs.push_back(input_tensor(op, op.inputs[0], item));
}

Parsed parse(const OpFunction* self, PyObject* const* args, Py_ssize_t given, PyObject* names) {
  const Op& op = *self->op;
  const std::size_t n = op.inputs.size();
  std::vector<py::handle> placed(n + op.attrs.size());
  Parsed parsed;
  if (given > static_cast<Py_ssize_t>(n + op.attrs.size())) too_many(op, given);
  for (Py_ssize_t i = 0; i < given; ++i) {
    const auto position = static_cast<std::size_t>(self->operands == Operands::Reversed && i < 2 ? 1 - i : i);
    placed[position] = args[i];
  }
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t k = 0; k < named; ++k) {
    const std::string name = py::cast<std::string>(PyTuple_GET_ITEM(names, k));
    std::size_t position = 0;
    while (position < n + op.attrs.size() &&
           (position < n ? op.inputs[position].name : op.attrs[position - n].name) != name)
      ++position;
    if (position == n + op.attrs.size()) unknown_keyword(op, name, args, given, names);
    if (static_cast<Py_ssize_t>(position) < given) {
      throw DTypeError(text("[", op.name, "] ", name, " was given twice; expected once; drop the keyword"));
    }
    placed[position] = args[given + k];
  }
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    if (placed[n + i]) parsed.attrs.set(op.attrs[i].name, to_attr(op, op.attrs[i], placed[n + i]));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const InputSpec& spec = op.inputs[i];
    if (!placed[i] && !spec.optional) {
      throw DTypeError(text("[", op.name, "] ", spec.name, " is missing; expected a tensor; ", advice(op, spec.name)));
    }
    if (spec.list) {
      place_list(op, placed[i], parsed.inputs);
    } else {
      parsed.inputs.push_back(placed[i] ? input_tensor(op, spec, placed[i]) : Tensor());
    }
  }
  check_places(op, parsed.inputs);
  return parsed;
}

// An op that is made of views alone would give what changes with the owner of borrowed memory.
Tensors apply_owned(const Op& op, Tensors inputs, const Attrs& attrs) {
  Tensors outputs = apply(op, inputs, attrs);
  const bool borrowed = std::any_of(outputs.begin(), outputs.end(),
                                    [](const Tensor& t) { return t.concrete() && t.impl().buffer->borrowed(); });
  if (!borrowed) return outputs;
  for (Tensor& input : inputs) {
    if (input.defined()) input = own(input);
  }
  return apply(op, std::move(inputs), attrs);
}

std::string signature(const Op& op);

// One tensor, or a tuple of several.
py::object wrap_results(std::span<Tensor> made, bool several) {
  if (!several) return wrap(std::move(made[0]));
  py::tuple result(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) result[i] = wrap(std::move(made[i]));
  return result;
}

PyObject* call(PyObject* callable, PyObject* const* args, std::size_t flags, PyObject* names) {
  auto* self = reinterpret_cast<OpFunction*>(callable);
  try {
    const Op& op = *self->op;
    const auto given = static_cast<std::size_t>(PyVectorcall_NARGS(flags));
    const bool updates = self->operands == Operands::Updated && given > 0;
    if (updates && !(is_tensor(args[0]) && is_of_slot(unwrap(args[0])))) check_assignable(args[0], op.name);
    std::optional<Calling> calling;
    if (tape_depth() > 0) calling.emplace(op.name);  // it asks at which line
    if (PreparedResults results; call_prepared(op, self->operands, args, given, names, results)) {
      if (updates) return updated(args[0], results.all()[0], op.name).release().ptr();
      return wrap_results(results.all(), op.outputs != 1).release().ptr();
    }
    Parsed parsed = parse(self, args, PyVectorcall_NARGS(flags), names);
    if (!calling) calling.emplace(op.name);
    Tensors outputs = apply_owned(op, std::move(parsed.inputs), parsed.attrs);
    if (updates) return updated(args[0], outputs[0], op.name).release().ptr();
    return wrap_results(outputs, op.outputs != 1).release().ptr();
  } catch (...) {
    translate_current_exception();
    name_the_call("[" + self->op->name + "]", "");
    raise_leftover_again(self->op->name, signature(*self->op), args, PyVectorcall_NARGS(flags), names);
    return nullptr;
  }
}

// `pt.sum[0]`: of an op that is taken for an array.
PyObject* refuse_index(PyObject* self, PyObject*) {
  try {
    const Op& op = *reinterpret_cast<OpFunction*>(self)->op;
    throw DTypeError(text("[", op.name, "] received an index; expected a call; write ", signature(op)));
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

PyObject* bind_method(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* get_name(PyObject* self, void*) {
  return PyUnicode_FromString(reinterpret_cast<OpFunction*>(self)->op->name.c_str());
}
PyObject* get_module(PyObject* self, void*) {
  try {
    return PyUnicode_FromString(home(*reinterpret_cast<OpFunction*>(self)->op).c_str());
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}
// For inspect.signature, and so for editors and help().
PyObject* get_signature(PyObject* self, void*) {
  try {
    const py::object make = py::module_::import("powertrain.ops.functional").attr("signature");
    return make(describe(*reinterpret_cast<OpFunction*>(self)->op)).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}
// By its name, so that copies and pickles are the same function.
PyObject* reduce(PyObject* self, PyObject*) {
  auto* function = reinterpret_cast<OpFunction*>(self);
  try {
    const py::object make = py::module_::import("powertrain._core").attr("op_function");
    const bool reversed = function->operands == Operands::Reversed, updates = function->operands == Operands::Updated;
    return py::make_tuple(make, py::make_tuple(function->op->name, reversed, updates)).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}
PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyObject* get_doc(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<OpFunction*>(self)->doc); }
PyObject* repr(PyObject* self) {
  return PyUnicode_FromFormat("<op %s>", reinterpret_cast<OpFunction*>(self)->op->name.c_str());
}
void deallocate(PyObject* self) {
  auto* function = reinterpret_cast<OpFunction*>(self);
  Py_XDECREF(function->doc);
  Py_XDECREF(function->dict);
  Py_TYPE(self)->tp_free(self);
}

PyGetSetDef accessors[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},           {"__qualname__", get_name, nullptr, nullptr, nullptr},
    {"__module__", get_module, nullptr, nullptr, nullptr},       {"__doc__", get_doc, nullptr, nullptr, nullptr},
    {"__signature__", get_signature, nullptr, nullptr, nullptr}, {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyTypeObject* op_function_type() {
  static PyMappingMethods mapping{nullptr, refuse_index, nullptr};
  static PyTypeObject type = [] {
    PyTypeObject t{};
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(&t), 1);
    t.tp_name = "powertrain.Op";
    t.tp_basicsize = sizeof(OpFunction);
    // A method descriptor: `x + y` makes no bound method.
    t.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR;
    t.tp_vectorcall_offset = offsetof(OpFunction, call);
    t.tp_call = PyVectorcall_Call;
    t.tp_descr_get = bind_method;
    t.tp_getset = accessors;
    t.tp_methods = methods;
    t.tp_as_mapping = &mapping;
    t.tp_repr = repr;
    t.tp_dealloc = deallocate;
    t.tp_dictoffset = offsetof(OpFunction, dict);
    return t;
  }();
  static const bool ready = PyType_Ready(&type) == 0;
  if (!ready) throw py::error_already_set();
  return &type;
}

// "name(x, w, eps=1e-06)". What is required after a default is given by keyword, as in powertrain.ops.functional.
std::string signature(const Op& op) {
  std::string plain, by_keyword;
  bool preset = false;
  auto add = [](std::string& list, const std::string& parameter) { list += (list.empty() ? "" : ", ") + parameter; };
  for (const InputSpec& spec : op.inputs) {
    preset = preset || spec.optional;
    add(plain, spec.name + (spec.optional ? "=None" : ""));
  }
  for (const AttrSpec& spec : op.attrs) {
    preset = preset || !spec.required;
    if (spec.required) {
      add(preset ? by_keyword : plain, spec.name);
    } else {
      add(plain, spec.name + "=" + py::cast<std::string>(py::repr(attr_object(spec.preset))));
    }
  }
  if (!by_keyword.empty()) add(plain, "*, " + by_keyword);
  return op.name + "(" + plain + ")";
}

}  // namespace

py::object make_function(const Op& op, Operands operands) {
  const std::string doc = signature(op) + ": " + documentation(op);
  auto* function = PyObject_New(OpFunction, op_function_type());
  if (!function) throw py::error_already_set();
  function->call = call;
  function->op = &op;
  function->operands = operands;
  function->dict = nullptr;
  function->doc = PyUnicode_FromStringAndSize(doc.data(), static_cast<Py_ssize_t>(doc.size()));
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(function));
}

void register_ops(py::module_& m) {
  m.def(
      "ops",
      [] {
        py::list all;
        for (const Op* op : all_ops()) all.append(describe(*op));
        return all;
      },
      "The facts of every op, from its spec.");
  m.def(
      "op_function",
      [](const std::string& name, bool reversed, bool updates) {
        const Operands operands = updates ? Operands::Updated : reversed ? Operands::Reversed : Operands::Plain;
        // One object for each, which lives as long as the process.
        static auto* made = new std::map<std::pair<std::string, Operands>, py::object>();
        py::object& function = (*made)[{name, operands}];
        if (!function) function = make_function(find_op(name), operands);
        return function;
      },
      py::arg("name"), py::arg("reversed") = false, py::arg("updates") = false);
  m.def("op_names", [] {
    std::vector<std::string> names;
    for (const Op* op : all_ops()) names.push_back(op->name);
    return names;
  });
  // The definition of an op, called directly: the oracle of its kernel.
  m.def("compose", [](const std::string& name, const py::list& tensors, const py::dict& given) {
    const Op& op = find_op(name);
    if (!op.compose)
      throw Error(text("[compose] ", name, " has no definition in other ops; expected one that has; see _core.ops()"));
    Attrs attrs;
    for (const AttrSpec& spec : op.attrs) {
      if (given.contains(spec.name)) attrs.set(spec.name, to_attr(op, spec, given[spec.name.c_str()]));
    }
    Tensors inputs;
    for (py::handle t : tensors) inputs.push_back(t.is_none() ? Tensor() : to_tensor(t, name));
    const Tensors outputs = op.compose(inputs, op.complete(attrs));
    py::tuple result(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) result[i] = wrap(outputs[i]);
    return result;
  });
}

}  // namespace pt::bindings
