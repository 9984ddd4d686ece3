// What the files of the Python module share.
#pragma once
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

// After Python.h, which pybind11 includes.
#include <frameobject.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/slot.h"
#include "ops/op.h"

namespace pt {
class ForeignStep;
class Target;
struct Graph;
}  // namespace pt

namespace pt::bindings {

namespace py = pybind11;

// The one checked converter. Tensors and slots give their value (a slot its current one, symbolic inside a trace);
// Python numbers become weak scalars; arrays are borrowed through the buffer protocol, DLPack or __array__.
// Throws with `where` in front for anything else.
Tensor to_tensor(py::handle object, const std::string& where, bool default_float = true);
bool is_tensor(py::handle object);  // exactly a Tensor
Tensor& unwrap(py::handle tensor);  // of an object for which is_tensor holds
bool is_slot(py::handle object);
Slot& slot_of(py::handle slot);  // of an object for which is_slot holds
bool is_dtype(py::handle object);
DType dtype_of(py::handle dtype);   // of an object for which is_dtype holds
bool is_number(py::handle object);  // bool, int or float of Python itself
bool is_array(py::handle object);   // offers the buffer protocol, DLPack or __array__
// An object may be given another value: `x[i] = v`, `x += v`. See assign.cpp.
void check_assignable(py::handle object, const std::string& where);  // throws where that would not mean what it says
void give_value(py::handle object, const Tensor& value);
Tensor cast_for(const Tensor& value, const TensorType& type, const std::string& where);  // for elements of that type
py::object updated(py::handle object, const Tensor& value, const std::string& where);    // after `object += ...`
// The value that a slot hands out, whose object is not given another one, since that would not reach the slot.
Tensor of_slot(const Tensor& value);
bool is_of_slot(const Tensor& tensor);
Tensor unmarked(const Tensor& tensor);  // the same value as one that is nobody's
// By DLPack: whether an object has main memory to lend, and a tensor over it; throws with `where` in front.
bool lends_memory(py::handle object);
Tensor from_dlpack(py::handle object, const std::string& where);
py::object wrap(Tensor tensor);             // as a new object
py::object wrap(DType dtype);               // the member of the enumeration
void free_tensors_directly();               // once, when the class is made: objects of wrap() are not pybind11's
py::object to_numpy(const Tensor& tensor);  // a read-only view; copies only what is not row-major
Tensor on_host(const Tensor& tensor);       // whose numbers can be read; throws where it has none yet, or no longer
// Throws for a tensor of a trace, whose value nothing can depend on; `what` asks for it.
void no_branch(const Tensor& t, const char* what);
std::optional<DType> to_dtype(py::handle object);
Tensor own(const Tensor& tensor);                     // copies memory that belongs to someone else
Tensor strong(const Tensor& number);                  // of a Python number, in the dtype that it has by itself
Tensor number_in(const Tensor& number, DType dtype);  // in another one; at once, even in a trace
// n integers from `start` on, in the current target's memory. Modulo 2^64: int64, or uint64 where numbers are beyond
// it.
Tensor whole_range(uint64_t start, uint64_t step, int64_t n, bool wide);
// What somebody lent: as it is, but a copy if it holds truths that are other bytes than 1, which kernels would count.
Tensor with_true_as_one(const Tensor& lent);

// Devices: by the name that Python gives, which throws with `where` in front for one that is not loaded; a tensor's;
// and a tensor in another place, on the tape too.
const Target& device_named(py::handle device, const std::string& where);
std::string device_of(const Tensor& tensor);
Tensor to_target(const Tensor& tensor, const Target& target);
Tensor here(const Tensor& tensor);  // in main memory; of no concern to a tape

// x.size: an int of powertrain.errors.sizes, whose call says what to write. It counts as an int of Python itself.
PyTypeObject*& type_of_sizes();
py::object number_of_elements(int64_t size);
inline bool is_plain_int(PyObject* object) { return PyLong_CheckExact(object) || Py_TYPE(object) == type_of_sizes(); }

// Numbers from Python objects; nullopt for what is none, or does not fit into 64 bits.
std::optional<int64_t> integer_of(py::handle object);
std::optional<Ints> integers_of(py::handle object);  // one, or a sequence
std::string shown(py::handle object);                // its repr, short enough for a message
Shape to_shape(py::handle object, const std::string& where);
DType dtype_or(py::handle object, DType preset, const std::string& where);  // the preset for None

// An attribute of an op from a Python object; throws with the op and the attribute named.
Attr to_attr(const Op& op, const AttrSpec& spec, py::handle value);

// What Python calls on this thread: an op, or "index"; of calls within calls the outermost. Empty outside of one.
std::string_view& called_name();
struct Calling {
  explicit Calling(std::string_view name)
      : outer(std::exchange(called_name(), called_name().empty() ? name : called_name())) {}
  ~Calling() { called_name() = outer; }
  Calling(const Calling&) = delete;
  std::string_view outer;
};
// An error of an index that is set, and begins with `own`, in the name of the public function that the user called, or
// else in `preset`, if that is not empty.
void name_the_call(const std::string& own, const std::string& preset);

// For callbacks that Python calls directly: sets the Python error for the C++ exception being handled.
void translate_current_exception();
// Raises a Python error that is set and of no class of ours, and that no Python code raised, again as one of ours.
void raise_leftover_again(const std::string& where, const std::string& expected, PyObject* const* args,
                          Py_ssize_t given, PyObject* names);

py::object attr_object(const Attr& value);                  // as Python has it
enum class Operands { Plain, Reversed, Updated };           // as `x + y`, for `y` on the right, and `x += y`
py::object make_function(const Op& op, Operands operands);  // an op as a callable

// tp_getattro of a class of ours: an attribute that is not there is an error of powertrain.errors.attributes.
PyObject* attribute_or_hint(PyObject* self, PyObject* name);

// The step of a traced graph that a backend runs: `backend` is a powertrain.plugin.backends Adapter.
std::unique_ptr<ForeignStep> make_backend_step(const py::object& backend, Graph source);

void register_errors(py::module_& m);
void register_tensor(py::module_& m);
void register_reading(py::module_& m);  // after those of tensors and slots
void register_creation(py::module_& m);
void register_places(py::module_& m);
void register_assign(py::module_& m);
void register_index(py::module_& m);
void register_attributes(py::module_& m);
void register_exchange(py::module_& m);
void register_ops(py::module_& m);
void register_kernels(py::module_& m);
void register_examine(py::module_& m);
void register_slots(py::module_& m);
void register_devices(py::module_& m);
void register_autograd(py::module_& m);
void register_transforms(py::module_& m);
void register_compile(py::module_& m);
void register_facts(py::module_& m);
void register_backends(py::module_& m);
void register_system(py::module_& m);
void register_pictures(py::module_& m);
void register_scaled_rows(py::module_& m);
void register_row_picks(py::module_& m);
void register_shuffles(py::module_& m);
void register_boundary(py::module_& m);  // the last: it guards what the others registered

}  // namespace pt::bindings
