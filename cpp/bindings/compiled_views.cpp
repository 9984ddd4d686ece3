// What somebody sees of the programs of a compiled function: their texts, times, places and events.
#include "bindings/compiled_function.h"
#include "bindings/facts.h"
#include "core/error.h"

namespace pt::bindings {
namespace {

template <class Fn>
PyObject* guarded(Fn fn) {
  try {
    return py::object(fn()).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

// While Python objects are made, other threads may run.
std::deque<CompiledStep::EntryRef> copy_of(const std::deque<CompiledStep::EntryRef>& entries) { return entries; }

// The program that was used last, of the engine's own, with its entry, which keeps it.
CompiledStep::EntryRef own_program(CompiledState& state, const char* wanted) {
  if (state.step.entries().empty())
    throw Error(text("[", state.name, "] was not called yet; expected a program to ", wanted, "; call it once"));
  if (state.step.entries().front()->foreign)
    throw Error(text("[", state.name, "] is run by a backend; expected one of the engine's own programs to ", wanted,
                     "; compile it without backend="));
  return state.step.entries().front();
}

Tensors program_inputs(CompiledState& state, const Program& program, PyObject* args) {
  Flattened flat;
  for (py::handle argument : py::reinterpret_borrow<py::tuple>(args)) scan(argument, flat, state.name);
  if (flat.tensors.size() != program.graph().inputs.size())
    throw Error(text("[", state.name, "] received ", flat.tensors.size(), " tensors; expected ",
                     program.graph().inputs.size(), ", those of the last call"));
  for (std::size_t i = 0; i < flat.tensors.size(); ++i) {
    Tensor& t = flat.tensors[i];
    const TensorType& wanted = program.graph().values[program.graph().inputs[i]].type;
    if (!(t.type() == wanted))
      throw Error(text("[", state.name, "] received ", t.type(), " as tensor ", i, "; expected ", wanted,
                       ", as in the last call; call it with these first"));
    t = to_row_major(t);
  }
  return flat.tensors;
}

}  // namespace

PyObject* describe_compiled(PyObject* self, PyObject*) {
  return guarded([&]() -> py::object {
    CompiledState& state = state_of(self);
    if (state.step.entries().empty()) return py::str(state.name + ": not traced yet; call it once");
    std::string all;
    for (const auto& entry : copy_of(state.step.entries())) {
      all += entry->foreign ? to_string(entry->foreign->graph()) : entry->program->describe();
    }
    return py::str(all);
  });
}

PyObject* captured_by_compiled(PyObject* self, PyObject*) {
  return guarded([&]() -> py::object {
    CompiledState& state = state_of(self);
    if (state.step.entries().empty()) return py::list();
    const CompiledStep::EntryRef entry = state.step.entries().front();
    const auto* facts = static_cast<const PythonFacts*>(entry->facts.get());
    return facts ? py::object(py::cast(facts->listed())) : py::object(py::list());
  });
}

PyObject* programs_of_compiled(PyObject* self, void*) {
  return guarded([&]() -> py::object {
    py::list all;
    for (const auto& entry : copy_of(state_of(self).step.entries())) {
      py::dict d = entry->program ? as_dict(*entry->program) : py::dict();
      d["graph"] = to_string(entry->foreign ? entry->foreign->graph() : entry->program->graph());
      d["source"] = to_string(entry->source());
      d["trace_seconds"] = entry->trace_seconds;
      all.append(d);
    }
    return all;
  });
}

// Seconds per instruction of one step; the step really happens.
PyObject* profile_compiled(PyObject* self, PyObject* args) {
  return guarded([&]() -> py::object {
    CompiledState& state = state_of(self);
    const CompiledStep::EntryRef entry = own_program(state, "profile");
    Program& program = *entry->program;
    return py::cast(program.profile(program_inputs(state, program, args)));
  });
}

// On which processors the chunks of each shared instruction of one step ran; the step really happens.
PyObject* places_of_compiled(PyObject* self, PyObject* args) {
  return guarded([&]() -> py::object {
    CompiledState& state = state_of(self);
    const CompiledStep::EntryRef entry = own_program(state, "look at");
    return py::cast(entry->program->places(program_inputs(state, *entry->program, args)));
  });
}

// The launches and checks that a device which cannot answer during a step is given: (event, launch) pairs.
PyObject* record_compiled(PyObject* self, PyObject* args) {
  return guarded([&]() -> py::object {
    struct Noting final : Device, Run {
      std::vector<std::pair<std::string, int>> events;
      int now = -1;  // the launch of the step; those of programs in loops belong to it
      std::string_view name() const override { return "noting"; }
      Memory& memory() override { return host_memory(); }
      Run& begin(bool) override { return events.emplace_back("begin", -1), *this; }
      void launch(const Instruction& instruction, char* const*) override {
        events.emplace_back(instruction.commits ? "commit" : "launch", now);
      }
      bool flag(const char*) override { return events.emplace_back("flag", now), false; }
      Guard guard(int, bool) override { return events.emplace_back("guard", -1), Guard::Passed; }
      void commit(bool) override {}
      void raise(uint32_t) override {}
      uint32_t status_so_far() const override { return 0; }
      RunReport finish() override { return events.emplace_back("finish", -1), RunReport{}; }
      void end() override { events.emplace_back("end", -1); }
      void wait() override { events.emplace_back("wait", -1); }
    };
    CompiledState& state = state_of(self);
    const CompiledStep::EntryRef entry = own_program(state, "record");
    Program& program = *entry->program;
    Noting device;
    program.replay(program_inputs(state, program, args), device,
                   [&](const Instruction& instruction, const std::function<void()>& carry_out) {
                     device.now = instruction.launch;
                     carry_out();
                   });
    return py::cast(device.events);
  });
}

}  // namespace pt::bindings
