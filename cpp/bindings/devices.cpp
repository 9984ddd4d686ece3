// Where tensors and slots lie: devices in libraries of their own, the current one, and moves between them.
#include <array>
#include <memory>
#include <unordered_map>

#include "bindings/exchange.h"
#include "bindings/facts.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "ops/cpu_target.h"
#include "ops/loaded_device.h"
#include "ops/recorder.h"
#include "ops/tape.h"

namespace pt::bindings {
namespace {

// The scopes that Python has opened in this thread.
std::vector<std::unique_ptr<TargetScope>>& scopes() {
  thread_local std::vector<std::unique_ptr<TargetScope>> open;
  return open;
}

// Python's: the name of a loaded device for whatever a user calls it, where it is loaded at that. Never destroyed.
py::object& resolver() {
  static auto& function = *new py::object(py::none());
  return function;
}

const LoadedDevice* loaded_or_null(const std::string& name) {
  for (const LoadedDevice* device : loaded_devices()) {
    if (device->name == name) return device;
  }
  return nullptr;
}

const LoadedDevice& loaded(const std::string& name, const std::string& where) {
  if (const LoadedDevice* found = loaded_or_null(name)) return *found;
  throw DTypeError(text("[", where, "] received ", name, "; expected a device that is loaded; load it first"));
}

const Target& place_of(const Tensor& tensor) {
  return tensor.concrete() ? target_of(tensor.impl().buffer->memory()) : current_target();
}

// Python's class of places. Never destroyed.
py::object& class_of_places() {
  static auto& cls = *new py::object();
  return cls;
}

// x.device: one object for each device, as long as the process.
PyObject* get_device(PyObject* self, void*) {
  try {
    static auto& places = *new std::unordered_map<const Target*, py::object>;
    const Target& target = is_tensor(self) ? place_of(unwrap(self)) : target_of(slot_of(self).memory());
    py::object& place = places[&target];
    if (!place) place = class_of_places()(target.name());
    return Py_NewRef(place.ptr());
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

PyGetSetDef device_accessor = {"device", get_device, nullptr,
                               R"(Where the numbers are: pt.device("cpu"), which is equal to "cpu", or another one.)",
                               nullptr};

std::string known_devices() {
  std::string all = "'cpu'";
  for (const LoadedDevice* device : loaded_devices()) all += ", '" + device->name + "'";
  return all;
}

std::array<int64_t, 4> usage(const std::string& name) {
  const LoadedDevice& device = loaded(name, "memory");
  PtdUsage usage{};
  device.table->usage(device.table->self, &usage);
  return {usage.total, usage.used_by_tensors, usage.kept_in_cache, usage.peak};
}

}  // namespace

const Target& device_named(py::handle device, const std::string& where) {
  const py::object called = py::reinterpret_steal<py::object>(PyObject_Str(device.ptr()));
  if (!called) PyErr_Clear();  // it has no name
  const std::string name = called ? py::cast<std::string>(called) : "";
  if (name == "cpu") return cpu_target();
  if (const LoadedDevice* known = loaded_or_null(name)) return *known->target;
  if (!resolver().is_none()) {
    const auto resolved = py::cast<std::string>(resolver()(device, where));
    return resolved == "cpu" ? cpu_target() : *loaded(resolved, where).target;
  }
  if (loaded_devices().empty())
    throw DTypeError(
        text("[", where, "] device = ", shown(device), "; expected 'cpu', the only one; leave device out"));
  throw DTypeError(text("[", where, "] device = ", shown(device), "; expected one of ", known_devices(),
                        "; leave device out for the current one"));
}

std::string device_of(const Tensor& tensor) { return place_of(tensor).name(); }

Tensor to_target(const Tensor& tensor, const Target& target) {
  if (tensor.symbolic()) {
    if (&target.memory() == &current_target().memory()) return tensor;
    throw TraceError(text("[to] received a symbolic tensor of a step that runs on ", current_target().name(), ", for ",
                          target.name(), "; expected the step's own device; move it before the step or after it"));
  }
  if (!tensor.concrete())
    throw TraceError("[to] received a tensor whose memory was let go; expected a value; keep the tensor");
  if (&tensor.impl().buffer->memory() == &target.memory()) return tensor;
  note_constant(tensor);
  return moved_on_tape(tensor, target.memory());
}

Tensor here(const Tensor& tensor) { return tensor.concrete() ? moved(tensor, host_memory()) : tensor; }

void register_devices(py::module_& m) {
  register_sending(m);
  m.def(
      "load_device",
      [](const std::string& path, int ordinal) { return load_device(path, ordinal, POWERTRAIN_VERSION).name; },
      py::arg("path"), py::arg("ordinal"), "Opens a device of a library; gives its name, such as cuda:0.");
  m.def(
      "device_count",
      [](const std::string& path) {
        std::string why;
        const int devices = count_devices(path, &why);
        return std::pair(devices, why);
      },
      py::arg("path"), "How many devices a library sees, and why there is none.");
  m.def(
      "set_device_resolver", [](const py::object& function) { resolver() = function; }, py::arg("function"),
      "function(device, where) gives the name of a loaded device, or 'cpu', for what a user wrote; or raises.");
  m.def(
      "devices",
      [] {
        py::dict all;
        for (const LoadedDevice* device : loaded_devices()) all[py::str(device->name)] = device->description;
        return all;
      },
      "The devices that are loaded, by name, with what they are.");
  m.def(
      "device_description", [](const std::string& name) { return loaded(name, "device").description; },
      py::arg("name"));
  m.def(
      "current_device", [] { return current_target().name(); }, "Where this thread makes new tensors.");
  m.def(
      "push_device",
      [](py::handle device) { scopes().push_back(std::make_unique<TargetScope>(device_named(device, "device"))); },
      py::arg("device"), "From here on this thread makes new tensors there, until pop_device.");
  m.def("pop_device", [] {
    if (scopes().empty())
      throw Error(
          "[device] pop_device() without push_device(); expected one for each; use `with powertrain.device(...)`");
    scopes().pop_back();
  });
  m.def(
      "to_device",
      [](const Tensor& tensor, py::handle device) { return to_target(tensor, device_named(device, "to")); },
      py::arg("tensor"), py::arg("device"), "The same numbers in the memory of a device; itself if it is there.");
  m.def(
      "device_of",
      [](py::handle object) {
        if (is_tensor(object)) return device_of(unwrap(object));
        return target_of(py::cast<SlotRef>(object)->memory()).name();
      },
      py::arg("object"), "Of a tensor or a slot: where its numbers lie.");
  m.def("device_usage", &usage, py::arg("name"),
        "Bytes: total, used by tensors, kept in the cache, and the most used.");
  m.def(
      "trim_device",
      [](const std::string& name) {
        const LoadedDevice& device = loaded(name, "memory");
        device.table->trim(device.table->self);
      },
      py::arg("name"), "Gives memory back that is kept for later tensors.");
  m.def(
      "forget_peak",
      [](const std::string& name) {
        const LoadedDevice& device = loaded(name, "memory");
        device.table->forget_peak(device.table->self);
      },
      py::arg("name"), "The most that was used is what is used now.");
  m.def(
      "synchronize",
      [](py::handle device) {
        const Target& target = device_named(device, "synchronize");
        const OutsideInterpreter outside;
        target.device().wait();
      },
      py::arg("device"), "Waits until all that was queued is done.");
  for (const char* cls : {"Tensor", "Slot"}) {
    const py::object type = m.attr(cls);
    type.attr("device") = py::reinterpret_steal<py::object>(
        PyDescr_NewGetSet(reinterpret_cast<PyTypeObject*>(type.ptr()), &device_accessor));
  }
  m.def(
      "set_class_of_places", [](const py::object& cls) { class_of_places() = cls; }, py::arg("cls"),
      "cls(name) is what x.device gives.");
  m.def(
      "move_slot",
      [](const SlotRef& slot, py::handle device) {
        const Target& target = device_named(device, slot->label());
        if (active_recorder())
          throw TraceError(
              text("[", slot->label(), "] was moved inside a trace; expected it before; move it outside of the step"));
        slot->move_to(target.memory());
      },
      py::arg("slot"), py::arg("device"), "Moves the value there; a view moves with all of its flat slot.");
}

}  // namespace pt::bindings
