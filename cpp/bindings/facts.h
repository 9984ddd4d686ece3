// What a trace took from Python as it was: attributes of modules and optimizers, flags of slots, and what the function
// reaches by its closure and its globals.
#pragma once
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bindings/bindings.h"
#include "program/compiled.h"

namespace pt::bindings {

class PythonFacts final : public Facts {
 public:
  // Reads of attributes and flags on this thread are noted from here on, until `settle`.
  PythonFacts();
  ~PythonFacts() override;
  PythonFacts(const PythonFacts&) = delete;

  void note(py::handle owner, py::handle name);
  void note(const SlotRef& slot);
  // The function itself sets that attribute while it is traced, as where it counts its calls: no fact then.
  void set_by_itself(py::handle owner, py::handle name);
  // The trace is over: what was noted has the values that it has now, since the function may have set some itself.
  // `function` is what was traced, `arguments` are objects that it was given beside tensors.
  void settle(const py::object& function, const std::vector<py::object>& arguments);
  void stop();  // noting; a trace that failed

  bool hold() override;
  std::string changed() override;
  int visit(visitproc visit, void* arg) const;

 private:
  struct Held {
    py::object value;  // null where there was none
    py::object copy;   // of a container: what was in it
    bool is(PyObject* now);
    std::string shown() const;
  };
  // A name in a dict: an attribute, or a global.
  struct Entry {
    py::object dict, name;
    Held held;
    std::string owner;
  };
  struct Cell {
    py::object cell;
    Held held;
    std::string name;
  };
  struct Flag {
    std::weak_ptr<Slot> slot;
    bool trainable;
  };
  static bool holds(Entry& entry);
  static bool holds(Cell& cell);
  static bool holds(const Flag& flag);

  std::vector<std::pair<py::object, py::object>> noted_;
  std::set<std::pair<PyObject*, std::string>> own_;  // and those that were seen already
  std::vector<SlotRef> noted_slots_;
  std::vector<Entry> watched_, reached_;  // changes of which move the epoch; those that nobody sees
  std::vector<Cell> cells_;
  std::vector<Flag> flags_;
  uint64_t epoch_ = 0;
  PythonFacts* outer_ = nullptr;
  bool noting_ = true;
};

// Of this thread's innermost trace; null outside of one.
PythonFacts*& noting();

}  // namespace pt::bindings
