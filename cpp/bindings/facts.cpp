#include "bindings/facts.h"

#include <algorithm>
#include <unordered_map>

#include "core/error.h"

namespace pt::bindings {
namespace {

bool is_plain(PyObject* object) {
  return PyFloat_CheckExact(object) || is_plain_int(object) || PyUnicode_CheckExact(object) ||
         PyBytes_CheckExact(object) || PyComplex_CheckExact(object);
}

bool is_container(PyObject* object) {
  return PyDict_CheckExact(object) || PyList_CheckExact(object) || PySet_CheckExact(object) ||
         PyTuple_CheckExact(object);
}

bool same(PyObject* held, PyObject* now);

bool same_items(PyObject* held, PyObject* now) {
  if (PyDict_CheckExact(held)) {
    if (PyDict_GET_SIZE(held) != PyDict_GET_SIZE(now)) return false;
    Py_ssize_t at = 0, now_at = 0;
    PyObject *key, *value, *now_key, *now_value;
    while (PyDict_Next(held, &at, &key, &value) && PyDict_Next(now, &now_at, &now_key, &now_value)) {
      if (!same(key, now_key) || !same(value, now_value)) return false;  // the order counts
    }
    return true;
  }
  if (PySet_CheckExact(held)) {
    const int equal = PyObject_RichCompareBool(held, now, Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal > 0;
  }
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(held);
  if (size != PySequence_Fast_GET_SIZE(now)) return false;
  for (Py_ssize_t i = 0; i < size; ++i) {
    if (!same(PySequence_Fast_GET_ITEM(held, i), PySequence_Fast_GET_ITEM(now, i))) return false;
  }
  return true;
}

// Numbers and texts by value, what holds others by its items, everything else by identity.
bool same(PyObject* held, PyObject* now) {
  if (held == now) return true;
  if (!held || !now || Py_TYPE(held) != Py_TYPE(now)) return false;
  if (is_plain(held)) {
    const int equal = PyObject_RichCompareBool(held, now, Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal > 0;
  }
  return is_container(held) && same_items(held, now);
}

PyObject* found(const py::object& dict, const py::object& name) {
  PyObject* value = PyDict_GetItemWithError(dict.ptr(), name.ptr());
  if (!value) PyErr_Clear();
  return value;
}

// A module registers its parts in place. What is in other containers may be changed by the function itself, as where it
// notes what it saw, and is no fact.
py::object copy_of(const py::object& name, PyObject* value) {
  const std::string attribute = py::cast<std::string>(name);
  const bool registers = attribute == "_modules" || attribute == "_slots" || attribute == "_buffers";
  if (!value || !registers) return {};
  return py::reinterpret_borrow<py::object>(value).attr("copy")();
}

py::object dict_of(py::handle object) {
  PyObject* dict = PyObject_GenericGetDict(object.ptr(), nullptr);
  if (!dict) PyErr_Clear();
  return py::reinterpret_steal<py::object>(dict);
}

std::string short_repr(PyObject* value) { return value ? bindings::shown(value) : "nothing"; }

// The values of Python objects that traces took as they were, under the interpreter's lock.
struct Constant {
  uint64_t assigned = 0;  // how often an object that had it was given another one
  int holders = 0;        // facts
};
std::unordered_map<const TensorImpl*, Constant>& constants() {
  static auto* known = new std::unordered_map<const TensorImpl*, Constant>;  // facts may live as long as the process
  return *known;
}

py::module_ python_side() { return py::module_::import("powertrain.program.facts"); }

}  // namespace

std::atomic<int> noting_traces{0};

PythonFacts*& noting() {
  thread_local PythonFacts* innermost = nullptr;
  return innermost;
}

PythonFacts::PythonFacts() : outer_(noting()) {
  python_side().attr("begin_noting")();
  noting() = this;
  ++noting_traces;
}

PythonFacts::~PythonFacts() {
  if (noting_) stop();
  for (const auto& [impl, times] : constants_) {
    if (--constants().at(impl.get()).holders == 0) constants().erase(impl.get());
  }
}

void PythonFacts::stop() {
  noting_ = false;
  --noting_traces;
  noting() = outer_;
  python_side().attr("end_noting")();
}

void PythonFacts::note(py::handle owner, py::handle name) {
  noted_.emplace_back(py::reinterpret_borrow<py::object>(owner), py::reinterpret_borrow<py::object>(name));
}

void PythonFacts::set_by_itself(py::handle owner, py::handle name) {
  own_.emplace(owner.ptr(), py::cast<std::string>(name));
}

void PythonFacts::note(const SlotRef& slot) { noted_slots_.push_back(slot); }

void PythonFacts::note(const Tensor& tensor) {
  if (!tensor.concrete() || tensor.impl().weak || tensor.id() > begin_) return;
  Constant& constant = constants()[tensor.ref().get()];
  if (constants_.emplace(tensor.ref(), constant.assigned).second) ++constant.holders;
}

void PythonFacts::assigned(const Tensor& tensor) {
  const auto found = constants().find(tensor.ref().get());
  if (found == constants().end()) return;
  ++found->second.assigned;
  ++facts_epoch();
}

bool PythonFacts::constants_hold() const {
  return std::all_of(constants_.begin(), constants_.end(), [](const auto& constant) {
    return constants().at(constant.first.get()).assigned == constant.second;
  });
}

void PythonFacts::settle(const py::object& function, const std::vector<py::object>& arguments) {
  stop();
  const auto entry_of = [](const py::object& dict, const py::object& name, std::string owner) {
    PyObject* value = found(dict, name);
    return Entry{dict, name, {py::reinterpret_borrow<py::object>(value), copy_of(name, value)}, std::move(owner)};
  };
  for (auto& [owner, name] : noted_) {
    if (!own_.emplace(owner.ptr(), py::cast<std::string>(name)).second) continue;
    if (const py::object dict = dict_of(owner)) {
      watched_.push_back(entry_of(dict, name, std::string(Py_TYPE(owner.ptr())->tp_name)));
    }
  }
  noted_.clear();
  own_.clear();
  std::set<Slot*> slots;
  for (const SlotRef& slot : noted_slots_) {
    if (slots.insert(slot.get()).second) flags_.push_back({slot, slot->trainable});
  }
  noted_slots_.clear();
  const py::tuple reached = python_side().attr("reached_by")(function, arguments);
  for (py::handle item : reached[0]) {
    const py::tuple cell = py::reinterpret_borrow<py::tuple>(item);
    PyObject* value = PyCell_GET(cell[0].ptr());
    cells_.push_back({cell[0], {py::reinterpret_borrow<py::object>(value), {}}, py::cast<std::string>(cell[1])});
  }
  for (py::handle item : reached[1]) {
    const py::tuple entry = py::reinterpret_borrow<py::tuple>(item);
    reached_.push_back(entry_of(entry[0], entry[1], py::cast<std::string>(entry[2])));
  }
  epoch_ = facts_epoch();
}

bool PythonFacts::Held::is(PyObject* now) {
  if (now == value.ptr()) return !copy || same_items(copy.ptr(), now);
  if (!same(copy ? copy.ptr() : value.ptr(), now)) return false;
  value = py::reinterpret_borrow<py::object>(now);
  return true;
}

std::string PythonFacts::Held::shown() const { return short_repr(copy ? copy.ptr() : value.ptr()); }

bool PythonFacts::holds(Entry& entry) { return entry.held.is(found(entry.dict, entry.name)); }

bool PythonFacts::holds(Cell& cell) { return cell.held.is(PyCell_GET(cell.cell.ptr())); }

bool PythonFacts::holds(const Flag& flag) {
  const SlotRef slot = flag.slot.lock();
  return slot && slot->trainable == flag.trainable;
}

bool PythonFacts::hold() {
  for (Cell& cell : cells_) {
    if (!holds(cell)) return false;
  }
  for (Entry& entry : reached_) {
    if (!holds(entry)) return false;
  }
  const uint64_t now = facts_epoch();
  if (now == epoch_) return true;
  if (!constants_hold()) return false;
  for (const Flag& flag : flags_) {
    if (!holds(flag)) return false;
  }
  for (Entry& entry : watched_) {
    if (!holds(entry)) return false;
  }
  epoch_ = now;
  return true;
}

std::string PythonFacts::changed() {
  for (Cell& cell : cells_) {
    if (!holds(cell)) {
      return text(cell.name, " changed from ", cell.held.shown(), " to ", short_repr(PyCell_GET(cell.cell.ptr())));
    }
  }
  for (auto* entries : {&reached_, &watched_}) {
    for (Entry& entry : *entries) {
      if (holds(entry)) continue;
      const std::string name = (entry.owner.empty() ? "" : entry.owner + ".") + py::cast<std::string>(entry.name);
      return text(name, " changed from ", entry.held.shown(), " to ", short_repr(found(entry.dict, entry.name)));
    }
  }
  for (const auto& [impl, times] : constants_) {
    if (constants().at(impl.get()).assigned != times)
      return text("a tensor ", impl->type, " that it uses was assigned to");
  }
  for (const Flag& flag : flags_) {
    if (holds(flag)) continue;
    const SlotRef slot = flag.slot.lock();
    if (!slot) return "a slot that it asked whether it is trainable is gone";
    return text(slot->name.empty() ? "a slot" : slot->name, flag.trainable ? " was frozen" : " became trainable");
  }
  return "";
}

std::vector<std::string> PythonFacts::listed() const {
  const auto shown = [](const Held& held) {
    PyObject* value = held.value.ptr();
    const bool readable = !value || value == Py_None || PyBool_Check(value) || is_plain(value);
    return readable ? held.shown() : std::string(Py_TYPE(value)->tp_name);
  };
  std::set<std::string> lines;
  for (const Cell& cell : cells_) lines.insert(text(cell.name, " = ", shown(cell.held)));
  for (const auto* entries : {&reached_, &watched_}) {
    for (const Entry& entry : *entries) {
      const std::string name = (entry.owner.empty() ? "" : entry.owner + ".") + py::cast<std::string>(entry.name);
      lines.insert(text(name, " = ", shown(entry.held)));
    }
  }
  for (const Flag& flag : flags_) {
    const SlotRef slot = flag.slot.lock();
    if (slot)
      lines.insert(text(slot->name.empty() ? "a slot" : slot->name, flag.trainable ? " is" : " is not", " trainable"));
  }
  return {lines.begin(), lines.end()};
}

int PythonFacts::visit(visitproc visit, void* arg) const {
  for (const auto* entries : {&watched_, &reached_}) {
    for (const Entry& entry : *entries) {
      Py_VISIT(entry.dict.ptr());
      Py_VISIT(entry.held.value.ptr());
      Py_VISIT(entry.held.copy.ptr());
    }
  }
  for (const Cell& cell : cells_) {
    Py_VISIT(cell.cell.ptr());
    Py_VISIT(cell.held.value.ptr());
    Py_VISIT(cell.held.copy.ptr());
  }
  return 0;
}

void register_facts(py::module_& m) {
  m.def(
      "facts_changed",
      [](py::handle owner, py::handle name) {
        ++facts_epoch();
        if (PythonFacts* facts = noting(); facts && !owner.is_none()) facts->set_by_itself(owner, name);
      },
      py::arg("owner") = py::none(), py::arg("name") = py::none(),
      "Something that a trace may have taken as it was is another now: programs look before their next call. An "
      "attribute that the function sets while it is traced is no fact.");
  m.def(
      "facts_epoch", [] { return facts_epoch().load(); },
      "A number that is another one once anything has changed that a trace may have taken as it was.");
  m.def(
      "note_fact",
      [](py::handle owner, py::handle name) {
        if (PythonFacts* facts = noting()) facts->note(owner, name);
      },
      py::arg("owner"), py::arg("name"), "A trace on this thread reads an attribute.");
}

}  // namespace pt::bindings
