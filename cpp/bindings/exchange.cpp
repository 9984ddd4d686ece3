// Arrays of other libraries by DLPack (github.com/dmlc/dlpack, version 1), which has bfloat16 where NumPy has not, and
// Python's buffer protocol. Tensors are read only: who cannot be told so gets a copy.
#include <pybind11/numpy.h>

#include <array>
#include <cstring>
#include <utility>

#include "abi/powertrain.h"
#include "bindings/crossing.h"
#include "bindings/facts.h"
#include "core/error.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

constexpr uint8_t kComplex = 5;  // DLDataTypeCode beside those of kernels
constexpr uint64_t kReadOnly = 1, kCopied = 2;
constexpr const char* kVersioned = "dltensor_versioned";
constexpr const char* kUnversioned = "dltensor";

// DLManagedTensor, for who asks as before version 1.
struct Unversioned {
  PtTensor tensor;
  void* context;
  void (*deleter)(Unversioned*);
};

// DLManagedTensorVersioned.
struct Versioned {
  uint32_t major, minor;
  void* context;
  void (*deleter)(Versioned*);
  uint64_t flags;
  PtTensor tensor;
};

PtDataType type_of(DType dtype) {
  const auto bits = static_cast<uint8_t>(8 * size_of(dtype));
  if (dtype == DType::Bool) return {PT_BOOL, bits, 1};
  if (dtype == DType::BF16) return {PT_BFLOAT, bits, 1};
  if (is_complex(dtype)) return {kComplex, bits, 1};
  if (is_float(dtype)) return {PT_FLOAT, bits, 1};
  return {static_cast<uint8_t>(is_unsigned(dtype) ? PT_UINT : PT_INT), bits, 1};
}

std::optional<DType> dtype_of(const PtDataType& type) {
  for (int i = 0; i < kDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    const PtDataType known = type_of(dtype);
    if (known.code == type.code && known.bits == type.bits && type.lanes == 1) return dtype;
  }
  return std::nullopt;
}

// A tensor that is lent, in either form.
template <class Managed>
struct Lent {
  Managed managed{};
  Tensor tensor;
  std::array<int64_t, kMaxDims> shape{}, strides{};

  explicit Lent(Tensor given) : tensor(std::move(given)) {
    for (int i = 0; i < tensor.ndim(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      shape[at] = tensor.shape()[i], strides[at] = tensor.strides()[i];
    }
    managed.tensor = {
        tensor.host(), {PT_CPU, 0}, tensor.ndim(), type_of(tensor.dtype()), shape.data(), strides.data(), 0};
    managed.context = this;
    managed.deleter = [](Managed* lent) { delete static_cast<Lent*>(lent->context); };
  }
};

// Whoever takes what a capsule holds gives it another name.
template <class Managed>
py::object capsule(Lent<Managed>* lent, const char* name) {
  PyObject* made = PyCapsule_New(&lent->managed, name, [](PyObject* self) {
    const char* name = PyCapsule_GetName(self);
    if (name != std::string(kVersioned) && name != std::string(kUnversioned)) return;
    auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(self, name));
    managed->deleter(managed);
  });
  if (!made) {
    delete lent;
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(made);
}

Tensor host_copy(const Tensor& tensor) {
  const Tensor rows = to_row_major(tensor), copy = Tensor::empty(tensor.type());
  std::memcpy(copy.host(), rows.host(), static_cast<std::size_t>(rows.size()) * size_of(rows.dtype()));
  return copy;
}

[[noreturn]] void refuse(const std::string& message) {
  PyErr_SetString(PyExc_BufferError, message.c_str());
  throw py::error_already_set();
}

py::object lend(Tensor tensor, const py::object& stream, const py::object& max_version, const py::object& device,
                const py::object& copy) {
  note_constant(tensor);
  if (tensor.symbolic())
    throw TraceError(
        "[dlpack] received a symbolic tensor; its values are known only when the compiled step runs; return it from "
        "the step");
  if (!tensor.concrete())
    throw TraceError("[dlpack] received a tensor whose memory was let go; expected a value; keep the tensor");
  if (!tensor.impl().buffer->on_host())
    refuse(text("[dlpack] received ", tensor.type(), " on ", device_of(tensor),
                "; expected main memory; copy it there with .to('cpu')"));
  if (!stream.is_none())
    refuse(text("[dlpack] stream = ", shown(stream), "; expected None; tensors are in main memory"));
  if (!device.is_none() && !py::make_tuple(int{PT_CPU}, 0).equal(device))
    refuse(text("[dlpack] dl_device = ", shown(device), "; expected (1, 0); tensors are in main memory"));
  const bool versioned = !max_version.is_none() && py::cast<py::tuple>(max_version)[0].cast<int>() >= 1;
  const bool never = copy.is(py::bool_(false)), always = copy.is(py::bool_(true));
  if (!versioned) {
    if (never)
      refuse(
          "[dlpack] copy = False and no max_version; expected a version of 1 or later, which can say that memory is "
          "read only; ask with max_version=(1, 0)");
    return capsule(new Lent<Unversioned>(host_copy(tensor)), kUnversioned);
  }
  auto* lent = new Lent<Versioned>(always ? host_copy(tensor) : tensor);
  lent->managed.major = 1;
  lent->managed.flags = always ? kCopied : kReadOnly;
  return capsule(lent, kVersioned);
}

// What another library lent, until the last tensor of it is gone.
template <class Managed>
struct Borrowed {
  Managed* managed;
  explicit Borrowed(Managed* lent) : managed(lent) {}
  Borrowed(const Borrowed&) = delete;
  ~Borrowed() {
    with_interpreter([&] {
      if (managed->deleter) managed->deleter(managed);
    });
  }
};

template <class Managed>
Tensor taken(const py::object& capsule, const char* name, const char* used, const std::string& where) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if constexpr (std::is_same_v<Managed, Versioned>) {
    if (managed->major != 1)
      throw DTypeError(text("[", where, "] received memory by DLPack ", managed->major,
                            "; expected version 1; convert it with numpy.asarray"));
  }
  const PtTensor& lent = managed->tensor;
  const std::optional<DType> dtype = dtype_of(lent.dtype);
  if (!dtype)
    throw DTypeError(text("[", where, "] received memory of DLPack's type ", int{lent.dtype.code}, " with ",
                          int{lent.dtype.bits},
                          " bits; expected bool, integers, floats of 16 to 64 bits or complex "
                          "numbers; convert it there"));
  if (lent.ndim > kMaxDims)
    throw ShapeError(text("[", where, "] received ", lent.ndim, " axes; expected at most ", kMaxDims, "; reshape it"));
  TensorType type{*dtype, {}};
  Strides strides;
  for (int i = 0; i < lent.ndim; ++i) {
    type.shape.push_back(lent.shape[i]);
    if (lent.strides) strides.push_back(lent.strides[i]);
  }
  if (!lent.strides) strides = row_major(type.shape);
  check_type(type, where);
  char* data = static_cast<char*>(lent.data) + lent.byte_offset;
  const std::size_t size = size_of(*dtype);
  if (reinterpret_cast<std::uintptr_t>(data) % size)
    throw DTypeError(text("[", where, "] received memory that is not aligned to its elements; copy the array first"));
  PyCapsule_SetName(capsule.ptr(), used);
  auto held = std::make_shared<Borrowed<Managed>>(managed);
  BufferRef memory =
      Buffer::borrow(data, static_cast<std::size_t>(count(type.shape)) * size, [held]() mutable { held.reset(); });
  return with_true_as_one(Tensor::view(std::move(memory), type, strides, 0));
}

py::object ask(py::handle object) {
  try {
    return object.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_TypeError)) throw;
  }
  return object.attr("__dlpack__")();  // before version 1 it takes no arguments
}

}  // namespace

bool lends_memory(py::handle object) {
  if (!py::hasattr(object, "__dlpack__") || !py::hasattr(object, "__dlpack_device__")) return false;
  const py::object device = object.attr("__dlpack_device__")();
  const auto kind =
      py::isinstance<py::tuple>(device) && py::len(device) == 2 ? integer_of(py::tuple(device)[0]) : std::nullopt;
  return kind == int64_t{PT_CPU};
}

Tensor from_dlpack(py::handle object, const std::string& where) {
  const char* kind = Py_TYPE(object.ptr())->tp_name;
  if (!lends_memory(object))
    throw DTypeError(text("[", where, "] received ", kind,
                          ", which lends no main memory by DLPack; expected an array that does; convert it with "
                          "numpy.asarray"));
  py::object lent;
  try {
    lent = ask(object);
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_Exception)) throw;
    throw DTypeError(text("[", where, "] received ", kind, " that lends no memory (",
                          py::cast<std::string>(py::str(e.value())),
                          "); expected an array in main memory; convert it there first"));
  }
  if (PyCapsule_IsValid(lent.ptr(), kVersioned))
    return taken<Versioned>(lent, kVersioned, "used_dltensor_versioned", where);
  if (PyCapsule_IsValid(lent.ptr(), kUnversioned))
    return taken<Unversioned>(lent, kUnversioned, "used_dltensor", where);
  throw DTypeError(text("[", where, "] received ", kind, " whose __dlpack__ gave ", Py_TYPE(lent.ptr())->tp_name,
                        "; expected a capsule that nobody has taken; convert it with numpy.asarray"));
}

void register_exchange(py::module_& m) {
  auto tensor = py::reinterpret_borrow<py::class_<Tensor>>(m.attr("Tensor"));
  tensor
      .def("__dlpack__", &lend, py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
           py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__", [](const Tensor&) { return py::make_tuple(int{PT_CPU}, 0); })
      .def_buffer([](const Tensor& t) { return to_numpy(t).cast<py::array>().request(); });
  m.def(
      "from_dlpack", [](py::handle object) { return from_dlpack(object, "from_dlpack"); }, py::arg("x"),
      "A tensor over the memory of another library's array.");
}

}  // namespace pt::bindings
