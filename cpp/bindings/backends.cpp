// Steps that a backend runs: the traced graph goes to Python once, arrays of the backend's go back and forth. What a
// slot holds stays where the backend has it until somebody reads the slot here.
#include <algorithm>
#include <mutex>
#include <set>

#include "bindings/bindings.h"
#include "bindings/crossing.h"
#include "core/error.h"
#include "graph/passes/pure.h"
#include "ops/check_true/status.h"
#include "ops/recorder.h"
#include "program/compiled.h"

namespace pt::bindings {
namespace {

py::tuple numbers(const std::vector<int>& values) {
  py::tuple made(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    made[i] = values[i] < 0 ? py::object(py::none()) : py::int_(values[i]);
  return made;
}

py::tuple type_tuple(const TensorType& type) {
  py::tuple shape(type.shape.size());
  for (int i = 0; i < type.shape.size(); ++i) shape[i] = type.shape[i];
  return py::make_tuple(shape, std::string(info(type.dtype).name));
}

py::tuple node_tuple(const GraphNode& node) {
  py::dict attrs;
  for (const auto& [name, value] : node.attrs.items()) attrs[name.c_str()] = attr_object(value);
  return py::make_tuple(node.op->name, attrs, numbers(node.inputs), numbers(node.outputs),
                        node.location ? to_string(*node.location) : std::string());
}

// (values, inputs, constants, nodes, outputs), as powertrain.plugin.backends reads them.
py::tuple graph_tuple(const Graph& graph) {
  py::list values, nodes;
  py::dict constants;
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    const Value& value = graph.values[v];
    values.append(type_tuple(value.type));
    if (value.origin == Origin::Constant) constants[py::int_(v)] = wrap(graph.constants[value.index]);
  }
  for (const GraphNode& node : graph.nodes) nodes.append(node_tuple(node));
  return py::make_tuple(values, numbers(graph.inputs), constants, nodes, numbers(graph.results));
}

// An array of a backend's. Python objects go with the interpreter lock, and not after the interpreter.
class Held final : public Elsewhere {
 public:
  Held(const py::object& adapter, py::object array) : adapter_(adapter), array_(std::move(array)) {}
  ~Held() override {
    with_interpreter([&] { array_ = adapter_ = py::object(); });
    adapter_.release();
    array_.release();
  }
  Held(const Held&) = delete;
  Tensor fetch() override {
    py::gil_scoped_acquire gil;
    return to_row_major(unwrap(adapter_.attr("fetch")(array_)));
  }
  bool of(const py::object& adapter) const { return adapter.is(adapter_); }
  const py::object& array() const { return array_; }

 private:
  py::object adapter_, array_;
};

// The write leases of base slots, in the order of addresses, for the length of a block.
class WriteLeases {
 public:
  WriteLeases() = default;
  ~WriteLeases() {
    for (const auto& [home, process] : held_) home->lease().release(Lease::Mode::Write, process);
  }
  WriteLeases(const WriteLeases&) = delete;
  WriteLeases& operator=(const WriteLeases&) = delete;
  void acquire(const std::set<Slot*>& homes) {
    held_.reserve(homes.size());
    for (Slot* home : homes) held_.emplace_back(home, home->lease().acquire(Lease::Mode::Write));
  }

 private:
  std::vector<std::pair<Slot*, uint32_t>> held_;
};

class BackendStep final : public ForeignStep {
 public:
  BackendStep(const py::object& adapter, Graph source) : adapter_(adapter), source_(std::move(source)) {
    std::set<std::string, std::less<>> runs;
    for (py::handle name : adapter.attr("ops")) runs.insert(py::cast<std::string>(name));
    pure_ = pure(source_, [&](const Op& op) { return runs.contains(op.name); });
    call_ = adapter.attr("compile")(graph_tuple(pure_.graph));
  }

  const Graph& source() const override { return source_; }
  const Graph& graph() const override { return pure_.graph; }
  bool moved() const override {
    return std::any_of(source_.slots.begin(), source_.slots.end(), [](const SlotRef& slot) { return slot->base(); });
  }

  // No lease is held while the backend computes, which is Python code. So the step looks at its end whether what it
  // read is still so, and begins again where another thread has written meanwhile.
  Tensors run(const Tensors& inputs, RunReport* report) override {
    const std::lock_guard one_call_at_a_time(busy_);
    for (int tries = 1;; ++tries) {
      Read read;
      const py::list arrays = arguments(inputs, read);
      if (const SlotRef changed = read.changed()) {
        refuse_after(tries, *changed);
        continue;
      }
      const py::list outputs = call_(arrays);
      const int stopped = look(outputs, report);
      if (const SlotRef changed = commit(outputs, stopped, read, report)) {
        refuse_after(tries, *changed);
        continue;
      }
      return results_of(outputs, inputs, stopped, *report);
    }
  }

 private:
  // How often a step begins again: each time another one has been done, so more is no accident.
  static constexpr int kTries = 100;

  // The slots that a step has read, and where and in which state each was.
  struct Read {
    struct Seen {
      SlotRef slot, home;
      uint64_t version;
    };
    std::vector<Seen> seen;

    void add(const SlotRef& slot) {
      const SlotRef& home = home_of(slot);
      seen.push_back({slot, home, home->version()});
    }
    SlotRef changed() const {
      for (const Seen& one : seen) {
        if (one.home != home_of(one.slot) || one.home->version() != one.version) return one.slot;
      }
      return nullptr;
    }
  };

  static const SlotRef& home_of(const SlotRef& slot) { return slot->base() ? slot->base() : slot; }

  void refuse_after(int tries, const Slot& changed) const {
    if (tries < kTries) return;
    throw Error(text("[backend ", py::cast<std::string>(adapter_.attr("name")), "] other threads changed slot ",
                     changed.name, " during ", kTries,
                     " tries of a step that reads it; expected one thread at a time; lock the step, or give each "
                     "thread a model and a generator of its own"));
  }

  Tensors results_of(const py::list& outputs, const Tensors& inputs, int stopped, const RunReport& report) const {
    if (stopped >= 0) {
      Tensors values;
      for (const SlotRef& slot : source_.slots) values.push_back(slot->current());
      const std::string message = explain_trip(source_, inputs, values, report);
      if (report.status & kStatusNonFinite) throw GuardError(message);
      if (report.status & kStatusRefused) throw ShapeError(message);
      throw IndexError(message);
    }
    Tensors made;
    for (std::size_t r = 0; r < source_.results.size(); ++r)
      made.push_back(own(unwrap(adapter_.attr("fetch")(outputs[r]))));
    return made;
  }

  py::list arguments(const Tensors& inputs, Read& read) const {
    py::list arrays;
    for (const Tensor& input : inputs) arrays.append(adapter_.attr("place")(wrap(input)));
    for (int number : pure_.slots) {
      const SlotRef& slot = source_.slots[number];
      auto held = std::dynamic_pointer_cast<Held>(slot->elsewhere());
      if (held && held->of(adapter_)) {
        read.add(slot);
      } else {
        // The version first: what another thread writes from here on is seen at the end.
        read.add(slot);
        const uint64_t version = slot->version();
        const Tensor value = slot->current();
        held = std::make_shared<Held>(adapter_, adapter_.attr("place")(wrap(value)));
        slot->keep_elsewhere(held, version);
      }
      arrays.append(held->array());
    }
    return arrays;
  }

  // The phase at which the step stops, -1 if it does not.
  int look(const py::list& outputs, RunReport* report) {
    *report = {};
    skipped_.clear();
    if (pure_.checks.empty()) return -1;
    const Tensor flags = to_row_major(unwrap(adapter_.attr("fetch")(outputs[outputs.size() - 1])));
    for (std::size_t i = 0; i < pure_.checks.size(); ++i) {
      if (flags.host()[i]) continue;
      const PureStep::Check& check = pure_.checks[i];
      report->tripped_phase = check.phase;
      if (check.skips) {
        skipped_.insert(check.phase);
        continue;
      }
      report->status = check.about == PureStep::About::Index   ? kStatusBadIndex
                       : check.about == PureStep::About::Truth ? kStatusRefused
                                                               : kStatusNonFinite;
      return check.phase;
    }
    return -1;
  }

  // Writes what phases before the one that stopped have made; all of it if none did. Where another thread has changed
  // what the step read, nothing, and the slot that tells.
  SlotRef commit(const py::list& outputs, int stopped, const Read& read, RunReport* report) const {
    struct Pending {
      SlotRef slot, home;
      std::shared_ptr<Elsewhere> value;
      Tensor here;  // of a slot that became a view, which cannot be elsewhere
    };
    std::vector<Pending> pending;
    std::set<int> committed;
    for (std::size_t w = 0; w < pure_.writes.size(); ++w) {
      const SlotWrite& write = pure_.writes[w];
      if (stopped >= 0 && write.phase >= stopped) continue;
      const SlotRef& slot = source_.slots[write.slot];
      const auto held = std::make_shared<Held>(adapter_, py::object(outputs[source_.results.size() + w]));
      pending.push_back({slot, home_of(slot), held, slot->base() ? held->fetch() : Tensor()});
      if (!skipped_.contains(write.phase)) committed.insert(write.phase);
    }
    std::set<Slot*> homes;
    for (const Pending& one : pending) {
      if (one.here.defined()) one.home->bring();
      homes.insert(one.home.get());
    }
    // From here on this thread keeps the interpreter's lock, once it has all leases.
    WriteLeases leases;
    leases.acquire(homes);
    if (!pending.empty()) {
      if (SlotRef changed = read.changed()) return changed;
    }
    for (const Pending& one : pending) {
      if (one.home != home_of(one.slot) || (one.here.defined() && one.home->away())) return one.slot;
      if (!one.here.defined()) continue;
      one.home->check_whole();
      one.home->writable(host_memory());  // now, since it may ask for memory
    }
    for (Pending& one : pending) {
      one.here.defined() ? one.slot->replace_held(one.here) : one.slot->move_elsewhere_held(one.value);
    }
    report->committed_phases = static_cast<int>(committed.size());
    return nullptr;
  }

  py::object adapter_;
  Graph source_;
  PureStep pure_;
  py::object call_;
  std::set<int> skipped_;  // phases of the last call
  Lock busy_;
};

}  // namespace

std::unique_ptr<ForeignStep> make_backend_step(const py::object& backend, Graph source) {
  return std::make_unique<BackendStep>(backend, std::move(source));
}

void register_backends(py::module_& m) {
  m.def(
      "same_bits_as",
      [](const Tensor& tensor, DType dtype) {
        if (size_of(dtype) != size_of(tensor.dtype()))
          throw DTypeError(text("[same_bits_as] received ", tensor.type(), " and ", info(dtype).name,
                                "; expected dtypes of one size; use astype"));
        const Tensor flat = to_row_major(tensor);
        return Tensor::view(flat.impl().buffer, {dtype, flat.shape()}, flat.strides(), flat.impl().offset);
      },
      py::arg("tensor"), py::arg("dtype"));
}

}  // namespace pt::bindings
