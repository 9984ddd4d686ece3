#include <algorithm>
#include <cstring>

#include "bindings/crossing.h"
#include "bindings/facts.h"
#include "core/error.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

constexpr int64_t kSegmentBytes = 64;

// Zeros where no piece of a flat tensor lies: the pieces are written anyway, and memory is slow the first time.
void fill_gaps(const Tensor& flat, const std::vector<SlotRef>& slots, const std::vector<int64_t>& offsets) {
  Memory& memory = flat.impl().buffer->memory();
  const auto size = static_cast<int64_t>(size_of(flat.dtype()));
  if (!memory.on_host()) return memory.fill(flat.address(), 0, static_cast<std::size_t>(flat.size() * size));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const int64_t end = offsets[i] + count(slots[i]->type().shape);
    const int64_t next = i + 1 < slots.size() ? offsets[i + 1] : flat.size();
    memory.fill(flat.address() + end * size, 0, static_cast<std::size_t>((next - end) * size));
  }
}

// Moves the slots' values into one flat slot; each becomes a view of it. A slot that appears twice is laid out once.
SlotRef flatten(const std::vector<SlotRef>& given, const std::string& name) {
  std::vector<SlotRef> slots;
  for (const SlotRef& slot : given) {
    if (std::find(slots.begin(), slots.end(), slot) == slots.end()) slots.push_back(slot);
  }
  if (slots.empty())
    throw Error(
        text("[flatten_slots] ", name, ": received no slots; expected at least one; does the model have parameters?"));
  if (active_recorder())
    throw TraceError(
        "[flatten_slots] was called inside a trace; expected it before; make the optimizer outside of the compiled "
        "step");
  const DType dtype = slots[0]->type().dtype;
  const auto unit = kSegmentBytes / static_cast<int64_t>(size_of(dtype));
  std::vector<int64_t> offsets;
  int64_t total = 0;
  for (const SlotRef& slot : slots) {
    if (slot->type().dtype != dtype)
      throw DTypeError(text("[flatten_slots] ", slot->name, " is ", slot->type(), ", the first slot ", slots[0]->type(),
                            "; expected one dtype; make a flat slot per dtype"));
    if (slot->has_views())
      throw Error(text("[flatten_slots] ", slot->name,
                       " holds other slots, which are pieces of it; expected slots of their own; make new slots of the "
                       "values of its pieces"));
    if (&slot->memory() != &slots[0]->memory())
      throw Error(text("[flatten_slots] ", slot->name, " lies on ", target_of(slot->memory()).name(),
                       ", the first slot on ", target_of(slots[0]->memory()).name(),
                       "; expected one device; move the whole model there before an optimizer is made of it"));
    offsets.push_back(total);
    total += (count(slot->type().shape) + unit - 1) / unit * unit;
  }
  for (const SlotRef& slot : slots) slot->become_base();  // out of a flat slot before
  Memory& memory = slots[0]->memory();
  Tensor flat = Tensor::empty({dtype, {total}}, memory);
  fill_gaps(flat, slots, offsets);
  SlotRef base = Slot::make(std::move(flat), name, false);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    while (!slots[i]->become_view(base, offsets[i])) {
      if (slots[i]->base())
        throw Error(text("[flatten_slots] ", slots[i]->name,
                         " was given to another optimizer by another thread; expected one optimizer for a parameter; "
                         "make optimizers in one thread"));
    }
  }
  return base;
}

Tensor slot_value(py::handle value, const std::string& name) {
  const Tensor given = own(to_tensor(value, "slot " + name));
  if (given.symbolic())
    throw TraceError(
        text(name.empty() ? "[slot" : "[slot " + name,
             "] was made inside a trace; expected it before; make slots outside of the compiled function"));
  if (given.impl().weak) return strong(given);
  const bool placed = is_tensor(value) || py::isinstance<Slot>(value);
  if (!placed) return moved(given, current_target().memory());
  return given.node() ? given.with_node(nullptr, 0) : given;
}

// A first value that a Python function gives, outside of any trace and on no tape, wherever it is first read.
class Given final : public FirstValue {
 public:
  Given(py::function make, TensorType type) : make_(std::move(make)), type_(type) {}
  ~Given() override {
    with_interpreter([&] { make_ = py::object(); });
    make_.release();
  }
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  Tensor compute() override {
    const py::gil_scoped_acquire gil;
    const TraceScope outside(nullptr);
    const TapeScope off(false);
    const Tensor made = own(to_tensor(make_(), "slot"));
    if (made.type() != type_)
      throw ShapeError(text("[slot] its first value is ", made.type(), "; expected ", type_,
                            "; give a function that makes what was said"));
    return to_row_major(made);
  }

 private:
  py::object make_;
  TensorType type_;
};

SlotRef make_slot(py::handle value, const std::string& name, bool trainable) {
  return Slot::make(slot_value(value, name), name, trainable);
}

}  // namespace

void register_slots(py::module_& m) {
  py::class_<Slot, SlotRef>(m, "Slot", py::dynamic_attr(), py::is_final(),
                            R"(A named value that may change: a parameter, a moment, a counter, a cursor.

Example
    >>> import powertrain as pt
    >>> count = pt.Slot(0, name="count")
    >>> count.value += 1
    >>> count.value.item()
    1)")
      // Made at once: between __new__ and __init__ it would be a slot without a value.
      .def_static(
          "__new__",
          [](py::handle, py::handle value, const std::string& name, bool trainable) {
            return make_slot(value, name, trainable);
          },
          py::arg("cls"), py::arg("value"), py::arg("name") = "", py::arg("trainable") = false)
      .def(py::init(&make_slot), py::arg("value"), py::arg("name") = "", py::arg("trainable") = false)
      .def("__reduce__",
           [](const SlotRef& slot) -> py::object {
             throw DTypeError(
                 text("[", slot->label(),
                      "] cannot be copied or pickled: programs and optimizers share it; expected its value; "
                      "copy what state_dict() gives"));
           })
      .def_readwrite("name", &Slot::name)
      .def_property(
          "trainable",
          [](const SlotRef& slot) {
            if (PythonFacts* facts = noting()) facts->note(slot);
            return slot->trainable;
          },
          [](const SlotRef& slot, bool trainable) {
            if (slot->trainable != trainable) ++facts_epoch();
            slot->trainable = trainable;
          })
      .def_property(
          "value", [](const SlotRef& slot) { return of_slot(read_slot(slot)); },
          [](const SlotRef& slot, py::handle value) {
            // A piece of a flat slot copies the numbers anyway.
            const Tensor given = to_tensor(value, slot->label());
            write_slot(slot, slot->base() && !active_recorder() ? given : own(given));
          })
      .def_property_readonly("base", [](const SlotRef& slot) { return slot->base(); })
      .def_property_readonly("offset", [](const SlotRef& slot) { return slot->offset(); })
      .def("numpy",
           [](const SlotRef& slot) {
             if (active_recorder())
               throw TraceError(text("[", slot->label(),
                                     "] numpy() inside a trace; expected it outside; use the slot itself in the step"));
             return to_numpy(slot->current());
           })
      .def(
          "__array__",
          [](const SlotRef& slot, const py::object& dtype, const py::object& copy) {
            return wrap(read_slot(slot)).attr("__array__")(dtype, copy);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__repr__", [](const SlotRef& slot) {
        return text("Slot(", slot->name, slot->name.empty() ? "" : " ", slot->type(), ")");
      });
  m.def(
      "slot_later",
      [](const py::function& make, const std::vector<int64_t>& shape, py::handle dtype, const std::string& name,
         bool trainable) {
        const TensorType type{dtype_or(dtype, DType::F32, "slot"), Shape(shape)};
        return Slot::make_later(type, std::make_shared<Given>(make, type), name, trainable);
      },
      py::arg("make"), py::arg("shape"), py::arg("dtype"), py::arg("name") = "", py::arg("trainable") = false,
      "A slot whose first value is made when somebody reads it. A value that it is given before takes its place.");
  m.def("flatten_slots", &flatten, py::arg("slots"), py::arg("name"));
  m.def(
      "slot_view",
      [](const SlotRef& base, int64_t offset, const std::vector<int64_t>& shape, const std::string& name) {
        const Shape dims(shape);
        if (base->base() || offset < 0 || offset + count(dims) > count(base->type().shape)) {
          throw ShapeError(text("[slot_view] ", name, ": received offset ", offset, " and shape ", dims, " of ",
                                base->type(), "; expected a piece inside of a base slot"));
        }
        return Slot::make_view(base, offset, dims, name);
      },
      py::arg("base"), py::arg("offset"), py::arg("shape"), py::arg("name"));
  m.def("keep_written", &keep_written, py::arg("slots"));
  m.def("end_phase", &end_phase, R"(What was written since the last phase is committed together.

Example
    >>> import powertrain as pt
    >>> count, total = pt.Slot(0), pt.Slot(0.0)
    >>> @pt.compile
    ... def step(x):
    ...     count.value += 1
    ...     pt.end_phase()  # what fails from here on leaves the count as it is now
    ...     total.value += x
    >>> step(2.5)
    >>> count.value.item(), total.value.item()
    (1, 2.5))");
}

}  // namespace pt::bindings
