// Memory of other libraries, taken by DLPack: without a copy, and given back when the last tensor of it is gone.
#include "core/borrow.h"

#include <array>
#include <utility>

#include "bindings/crossing.h"
#include "bindings/exchange.h"
#include "core/error.h"

namespace pt::bindings {
namespace {

// For people.
std::string device_words(const PtDevice& device) {
  static const std::pair<int, const char*> known[] = {{PT_CPU, "the CPU"},
                                                      {PT_CUDA, "CUDA"},
                                                      {3, "page-locked memory of CUDA"},
                                                      {4, "OpenCL"},
                                                      {7, "Vulkan"},
                                                      {8, "Metal"},
                                                      {10, "ROCm"},
                                                      {11, "page-locked memory of ROCm"},
                                                      {13, "managed memory of CUDA"},
                                                      {14, "oneAPI"},
                                                      {15, "WebGPU"}};
  for (const auto& [type, name] : known) {
    if (type == device.type) return text(name, " (DLPack's device (", device.type, ", ", device.id, "))");
  }
  return text("DLPack's device (", device.type, ", ", device.id, ")");
}

std::optional<DType> dtype_of(const PtDataType& type) {
  for (int i = 0; i < kDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    const PtDataType known = dlpack_type(dtype);
    if (known.code == type.code && known.bits == type.bits && type.lanes == 1) return dtype;
  }
  return std::nullopt;
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

// Takes it out of its capsule. `from`: the device that the array named.
template <class Managed>
Tensor taken(const py::object& capsule, const char* name, const char* used, const PtDevice& from, Memory& memory,
             const std::string& where) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if constexpr (std::is_same_v<Managed, Versioned>) {
    if (managed->major != 1)
      throw DTypeError(text("[", where, "] received memory by DLPack ", managed->major,
                            "; expected version 1; convert it with numpy.asarray"));
  }
  const PtTensor& lent = managed->tensor;
  if (lent.device.type != from.type || (from.type != PT_CPU && lent.device.id != from.id))
    throw DTypeError(text("[", where, "] received memory on ", device_words(lent.device), " of an array that says ",
                          device_words(from), "; expected one device; copy the array first"));
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
  auto held = std::make_shared<std::unique_ptr<Borrowed<Managed>>>();
  char* data = static_cast<char*>(lent.data) + lent.byte_offset;
  const Tensor made = tensor_over(
      memory, data, type, strides, [held] { held->reset(); }, where);
  PyCapsule_SetName(capsule.ptr(), used);
  *held = std::make_unique<Borrowed<Managed>>(managed);
  return with_true_as_one(made);
}

// In our stream on a device, the producer's work comes before ours.
py::object ask(py::handle object, const LoadedDevice* device) {
  py::dict asked, versioned;
  if (device) {
    asked["stream"] = device->table->stream;
    versioned["stream"] = device->table->stream;
  }
  versioned["max_version"] = py::make_tuple(1, 0);
  try {
    return object.attr("__dlpack__")(**versioned);
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_TypeError)) throw;
  }
  return object.attr("__dlpack__")(**asked);  // before version 1 it takes a stream at most
}

std::optional<PtDevice> lender_of(py::handle object) {
  if (!py::hasattr(object, "__dlpack__") || !py::hasattr(object, "__dlpack_device__")) return std::nullopt;
  const py::object device = object.attr("__dlpack_device__")();
  if (!py::isinstance<py::tuple>(device) || py::len(device) != 2) return std::nullopt;
  const auto type = integer_of(py::tuple(device)[0]), id = integer_of(py::tuple(device)[1]);
  if (!type || !id) return std::nullopt;
  return PtDevice{static_cast<int32_t>(*type), static_cast<int32_t>(*id)};
}

}  // namespace

Tensor tensor_over(Memory& memory, void* data, const TensorType& type, const Strides& strides,
                   const std::function<void()>& release, const std::string& where) {
  check_type(type, where);
  const std::size_t size = size_of(type.dtype);
  if (reinterpret_cast<std::uintptr_t>(data) % size)
    throw DTypeError(text("[", where, "] received memory that is not aligned to its elements; copy the array first"));
  // From the first byte that the strides reach to the last: a buffer is copied as a whole.
  int64_t first = 0, last = count(type.shape) ? 0 : -1;
  for (int i = 0; last >= 0 && i < type.shape.size(); ++i) {
    const int64_t reach = (type.shape[i] - 1) * strides[i];
    (reach < 0 ? first : last) += reach;
  }
  const auto element = static_cast<int64_t>(size);
  char* begin = static_cast<char*>(data) + first * element;
  const auto bytes = static_cast<std::size_t>((last - first + 1) * element);
  const LoadedDevice* device = loaded_device_of(memory);
  const auto give_back = [device, release] {
    if (device) wait_for_ours(*device);  // whoever lent it may use it again at once
    release();
  };
  return Tensor::view(borrow_in(memory, begin, bytes, give_back), type, strides, -first);
}

const LoadedDevice& cuda_device(int ordinal, const std::string& kind, const std::string& where) {
  const auto known = [&]() -> const LoadedDevice* {
    for (const LoadedDevice* device : loaded_devices()) {
      if (device->table->dlpack_type == PT_CUDA && device->table->dlpack_ordinal == ordinal) return device;
    }
    return nullptr;
  };
  if (const LoadedDevice* device = known()) return *device;
  const py::object why_not = py::module_::import("powertrain.devices.loading").attr("why_not");
  if (const auto reason = py::cast<std::string>(why_not("cuda")); !reason.empty()) {
    throw DTypeError(text("[", where, "] received ", kind, " in the memory of a GPU, which is not at hand (", reason,
                          "); expected main memory; copy it first (CuPy: cupy.asnumpy, Numba: copy_to_host)"));
  }
  device_named(py::str(text("cuda:", ordinal)), where);
  return *known();
}

bool lends_memory(py::handle object) {
  const std::optional<PtDevice> lender = lender_of(object);
  return lender && (lender->type == PT_CPU || lender->type == PT_CUDA);
}

Tensor from_dlpack(py::handle object, const std::string& where) {
  const char* kind = Py_TYPE(object.ptr())->tp_name;
  const std::optional<PtDevice> lender = lender_of(object);
  if (!lender)
    throw DTypeError(text("[", where, "] received ", kind,
                          ", which lends no memory by DLPack; expected an array that does; convert it with "
                          "numpy.asarray"));
  if (!lends_memory(object))
    throw DTypeError(text("[", where, "] received ", kind, " on ", device_words(*lender),
                          "; expected main memory or CUDA's; copy it to main memory first"));
  const LoadedDevice* device = lender->type == PT_CUDA ? &cuda_device(lender->id, kind, where) : nullptr;
  py::object lent;
  try {
    lent = ask(object, device);
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_Exception)) throw;
    throw DTypeError(
        text("[", where, "] received ", kind, " that lends no memory (", py::cast<std::string>(py::str(e.value())),
             "); expected an array in ",
             device ? "memory that it lends; copy it there first" : "main memory; convert it there first"));
  }
  Memory& memory = device ? device->target->memory() : host_memory();
  if (PyCapsule_IsValid(lent.ptr(), kVersioned))
    return taken<Versioned>(lent, kVersioned, "used_dltensor_versioned", *lender, memory, where);
  if (PyCapsule_IsValid(lent.ptr(), kUnversioned))
    return taken<Unversioned>(lent, kUnversioned, "used_dltensor", *lender, memory, where);
  throw DTypeError(text("[", where, "] received ", kind, " whose __dlpack__ gave ", Py_TYPE(lent.ptr())->tp_name,
                        "; expected a capsule that nobody has taken; convert it with numpy.asarray"));
}

}  // namespace pt::bindings
