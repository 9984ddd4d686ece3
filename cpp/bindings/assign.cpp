// A tensor is a value and never changes; what changes is which value a Python object has: `x[i] = v` and `x += v` give
// the object another one. Views, tapes and arrays over the memory keep the value that they were made of.
#include "bindings/facts.h"
#include "core/convert.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

// NumPy's rule "same_kind": to the same kind or a larger one, but no sign is dropped.
bool casts(DType from, DType to) {
  if (from == to) return true;
  const Kind kind = info(from).kind, wanted = info(to).kind;
  if (kind == Kind::Int && wanted == Kind::Int) return is_unsigned(from) || !is_unsigned(to);
  return kind < wanted || (kind == wanted && kind != Kind::Bool);
}

// What a slot handed out: known by how it is deleted, so that tensors carry nothing more.
struct SlotValue {
  void operator()(const TensorImpl* impl) const { delete impl; }
};

}  // namespace

Tensor of_slot(const Tensor& value) {
  return Tensor(std::shared_ptr<const TensorImpl>(new TensorImpl(value.impl()), SlotValue()));
}

bool is_of_slot(const Tensor& tensor) { return std::get_deleter<SlotValue>(tensor.ref()) != nullptr; }

Tensor unmarked(const Tensor& tensor) {
  return is_of_slot(tensor) ? Tensor(std::make_shared<TensorImpl>(tensor.impl())) : tensor;
}

void check_assignable(py::handle object, const std::string& where) {
  if (py::isinstance<Slot>(object))
    throw DTypeError(text("[", where, "] received an assignment to ", py::cast<SlotRef>(object)->label(),
                          "; expected a new value for it; write slot.value = ..."));
  if (!is_tensor(object))
    throw DTypeError(text("[", where, "] received an assignment to ", Py_TYPE(object.ptr())->tp_name,
                          "; expected a tensor, which can be given a new value; pass powertrain.tensor(x)"));
  const Tensor& t = unwrap(object);
  if (is_of_slot(t))
    throw DTypeError(text("[", where,
                          "] received an assignment to the value of a slot, which would not change the slot; expected "
                          "a new value for it; write x = slot.value.copy(), change x, then slot.value = x"));
  const Recorder* recorder = active_recorder();
  if (!recorder) return;
  if (t.symbolic() ? t.impl().trace == recorder->id() : t.id() > recorder->id()) return;
  throw TraceError(text("[", where,
                        "] received an assignment to a tensor from outside of the function that is being traced, which "
                        "would not happen again when the step runs; expected a tensor of the function's own; write "
                        "x = x.copy() first, or keep it in a powertrain.Slot"));
}

void give_value(py::handle object, const Tensor& value) {
  Tensor& held = unwrap(object);
  PythonFacts::assigned(held);
  held = value;
}

Tensor cast_for(const Tensor& value, const TensorType& type, const std::string& where) {
  const bool number = value.impl().weak;
  const bool fits = number ? info(value.dtype()).kind <= info(type.dtype).kind : casts(value.dtype(), type.dtype);
  if (!fits)
    throw DTypeError(text("[", where, "] received ", value.type(), " for ", type, "; expected numbers that ",
                          info(type.dtype).name, " holds; convert them with astype(\"", info(type.dtype).name, "\")"));
  if (!number) return value.dtype() == type.dtype ? value : fn::cast(value, type.dtype);
  Tensor cast = number_in(value, type.dtype);
  if (is_int(type.dtype)) {
    const double given = load_number(value.host(), value.dtype());
    if (load_number(cast.host(), cast.dtype()) != given)
      throw ShapeError(text("[", where, "] received ", given, " for ", type, "; expected an integer that ",
                            info(type.dtype).name, " holds; use another dtype"));
  }
  return cast;
}

py::object updated(py::handle object, const Tensor& value, const std::string& where) {
  const TensorType type = unwrap(object).type();
  if (value.shape() != type.shape)
    throw ShapeError(text("[", where, "] received an update of ", type, " whose result is ", value.type(),
                          "; expected a result of the same shape; write x = x + y"));
  const Tensor result = cast_for(value, type, where);
  if (is_of_slot(unwrap(object))) return wrap(result);  // for `slot.value += y`, which assigns it
  give_value(object, result);
  return py::reinterpret_borrow<py::object>(object);
}

void register_assign(py::module_& m) {
  m.def(
      "as_dtype", [](py::handle value) { return to_dtype(value); }, py::arg("value"),
      "The dtype, or None if it is none.");
  m.def("alias", &unmarked, py::arg("tensor"),
        "Another object of the same value, which keeps it when the first one is assigned to.");
}

}  // namespace pt::bindings
