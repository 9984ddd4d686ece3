// Tensors lent to other libraries by DLPack (github.com/dmlc/dlpack, version 1), which has bfloat16 where NumPy has
// not, and by Python's buffer protocol. Tensors are read only: who cannot be told so gets a copy.
#include "bindings/exchange.h"

#include <pybind11/numpy.h>

#include <array>
#include <utility>

#include "bindings/facts.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

PtDevice place_of(const LoadedDevice* device) {
  if (!device) return {PT_CPU, 0};
  return {device->table->dlpack_type, device->table->dlpack_ordinal};
}

py::tuple dlpack_device(const Tensor& tensor) {
  const Memory& memory = tensor.concrete() ? tensor.impl().buffer->memory() : current_target().memory();
  const PtDevice place = place_of(loaded_device_of(memory));
  return py::make_tuple(place.type, place.id);
}

// A tensor that is lent, in either form.
template <class Managed>
struct Lent {
  Managed managed{};
  Tensor tensor;
  std::array<int64_t, kMaxDims> shape{}, strides{};

  const LoadedDevice* device;  // null: of the host
  bool in_default_stream;      // others use it there alone

  Lent(Tensor given, bool in_default_stream)
      : tensor(std::move(given)),
        device(loaded_device_of(tensor.impl().buffer->memory())),
        in_default_stream(in_default_stream) {
    for (int i = 0; i < tensor.ndim(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      shape[at] = tensor.shape()[i], strides[at] = tensor.strides()[i];
    }
    const PtDevice place = place_of(device);
    managed.tensor = {tensor.address(), place, tensor.ndim(), dlpack_type(tensor.dtype()), shape.data(),
                      strides.data(),   0};
    managed.context = this;
    managed.deleter = [](Managed* lent) { delete static_cast<Lent*>(lent->context); };
  }
  // Others have let go, and their work may still be queued.
  ~Lent() {
    if (device) follow_others(*device, in_default_stream);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
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

[[noreturn]] void refuse(const std::string& message) {
  PyErr_SetString(PyExc_BufferError, message.c_str());
  throw py::error_already_set();
}

void check_values(const Tensor& tensor) {
  if (tensor.symbolic())
    throw TraceError(
        "[dlpack] received a symbolic tensor; its values are known only when the compiled step runs; return it from "
        "the step");
  if (!tensor.concrete())
    throw TraceError("[dlpack] received a tensor whose memory was let go; expected a value; keep the tensor");
}

// In which whoever asks will use the memory; nothing where they want no order of work.
std::optional<uint64_t> stream_of(const LoadedDevice* device, const py::object& stream) {
  if (!device) {
    if (stream.is_none()) return std::nullopt;
    refuse(text("[dlpack] stream = ", shown(stream), "; expected None; tensors are in main memory"));
  }
  if (stream.is_none()) return kDefaultStream;
  const std::optional<int64_t> number = integer_of(stream);
  if (number == int64_t{-1}) return std::nullopt;
  if (!number || *number < 1)
    refuse(
        text("[dlpack] stream = ", shown(stream), " of a tensor on ", device->name,
             "; expected None or 1 for the default stream, 2 for the thread's, a stream's handle, or -1 for no order "
             "of work; pass the stream in which the memory is used"));
  return static_cast<uint64_t>(*number);
}

py::object lend(Tensor tensor, const py::object& stream, const py::object& max_version, const py::object& wanted,
                const py::object& copy) {
  note_constant(tensor);
  check_values(tensor);
  const LoadedDevice* device = loaded_device_of(tensor.impl().buffer->memory());
  const bool versioned = !max_version.is_none() && py::cast<py::tuple>(max_version)[0].cast<int>() >= 1;
  const bool never = copy.is(py::bool_(false));
  bool in_default_stream = false;
  bool copies = copy.is(py::bool_(true)) || !versioned;  // who cannot be told that memory is read only gets a copy
  if (!wanted.is_none() && !dlpack_device(tensor).equal(wanted)) {
    if (!device) refuse(text("[dlpack] dl_device = ", shown(wanted), "; expected (1, 0); tensors are in main memory"));
    if (!py::make_tuple(int{PT_CPU}, 0).equal(wanted) || never)
      refuse(text("[dlpack] dl_device = ", shown(wanted), " of a tensor on ", device->name,
                  never ? ", and copy = False" : "",
                  "; expected its own, or (1, 0) for a copy in main memory; move it there first with .to(...)"));
    tensor = here(tensor);
    device = nullptr;
    copies = true;
  } else {
    const std::optional<uint64_t> their_stream = stream_of(device, stream);
    if (!versioned && never)
      refuse(
          "[dlpack] copy = False and no max_version; expected a version of 1 or later, which can say that memory is "
          "read only; ask with max_version=(1, 0)");
    if (copies) tensor = copied(tensor);
    in_default_stream = their_stream == kDefaultStream;
    if (their_stream) {
      checked_call(*device, [&](const PtdDevice& table, PtdFailure* failure) {
        return table.let_follow(table.self, *their_stream, failure);
      });
    }
  }
  if (!versioned) return capsule(new Lent<Unversioned>(tensor, in_default_stream), kUnversioned);
  auto* lent = new Lent<Versioned>(tensor, in_default_stream);
  lent->managed.major = 1;
  lent->managed.flags = copies ? kCopied : kReadOnly;
  return capsule(lent, kVersioned);
}

}  // namespace

constexpr uint8_t kComplex = 5;  // DLDataTypeCode beside those of kernels

PtDataType dlpack_type(DType dtype) {
  const auto bits = static_cast<uint8_t>(8 * size_of(dtype));
  if (dtype == DType::Bool) return {PT_BOOL, bits, 1};
  if (dtype == DType::BF16) return {PT_BFLOAT, bits, 1};
  if (is_complex(dtype)) return {kComplex, bits, 1};
  if (is_float(dtype)) return {PT_FLOAT, bits, 1};
  return {static_cast<uint8_t>(is_unsigned(dtype) ? PT_UINT : PT_INT), bits, 1};
}

void follow_others(const LoadedDevice& device, bool default_stream_alone) noexcept {
  PtdFailure unheard{};
  const PtdDevice& table = *device.table;
  if (default_stream_alone && table.follow(table.self, kDefaultStream, &unheard)) return;
  const OutsideInterpreter outside;
  table.wait_for_all(table.self, &unheard);
}

void wait_for_ours(const LoadedDevice& device) noexcept {
  PtdFailure unheard{};
  const OutsideInterpreter outside;
  device.table->wait(device.table->self, &unheard);
}

void register_exchange(py::module_& m) {
  auto tensor = py::reinterpret_borrow<py::class_<Tensor>>(m.attr("Tensor"));
  tensor
      .def("__dlpack__", &lend, py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
           py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__", &dlpack_device)
      .def_buffer([](const Tensor& t) { return to_numpy(t).cast<py::array>().request(); });
  m.def(
      "from_dlpack", [](py::handle object) { return from_dlpack(object, "from_dlpack"); }, py::arg("x"),
      "A tensor over the memory of another library's array.");
  register_cuda_array(m);
}

}  // namespace pt::bindings
