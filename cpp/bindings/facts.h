// What a trace took from Python as it was: attributes of modules and optimizers, flags of slots, and what the function
// reaches by its closure and its globals.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
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
  // The value of a tensor that was there before the trace; an assignment gives its Python object another one.
  void note(const Tensor& tensor);
  static void assigned(const Tensor& tensor);
  // The function itself sets that attribute while it is traced, as where it counts its calls: no fact then.
  void set_by_itself(py::handle owner, py::handle name);
  // The trace is over: what was noted has the values that it has now, since the function may have set some itself.
  // `function` is what was traced, `arguments` are objects that it was given beside tensors.
  void settle(const py::object& function, const std::vector<py::object>& arguments);
  void stop();  // noting; a trace that failed

  bool hold() override;
  std::string changed() override;
  // Each value that the trace took, as "name = value".
  std::vector<std::string> listed() const;
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
  bool constants_hold() const;

  std::vector<std::pair<py::object, py::object>> noted_;
  std::set<std::pair<PyObject*, std::string>> own_;  // and those that were seen already
  std::vector<SlotRef> noted_slots_;
  std::vector<Entry> watched_, reached_;  // changes of which move the epoch; those that nobody sees
  std::vector<Cell> cells_;
  std::vector<Flag> flags_;
  std::map<std::shared_ptr<const TensorImpl>, uint64_t> constants_;  // and how often their objects were assigned to
  const uint64_t begin_ = next_value_id();                           // tensors of the trace have later numbers
  uint64_t epoch_ = 0;
  PythonFacts* outer_ = nullptr;
  bool noting_ = true;
};

// Of this thread's innermost trace; null outside of one.
PythonFacts*& noting();
struct Unnoted {
  PythonFacts* saved = std::exchange(noting(), nullptr);
  ~Unnoted() { noting() = saved; }
};
// How many traces note on all threads: where none does, nobody looks for his own.
extern std::atomic<int> noting_traces;
inline void note_constant(const Tensor& tensor) {
  if (noting_traces.load(std::memory_order_relaxed) == 0) return;
  if (PythonFacts* facts = noting()) facts->note(tensor);
}
inline void note_constants(const Tensors& tensors) {
  for (const Tensor& tensor : tensors) note_constant(tensor);
}

}  // namespace pt::bindings
