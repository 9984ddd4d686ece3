// Memory that goes from one library to another: lent to others by DLPack (exchange.cpp), taken from them (borrow.cpp),
// and both by CUDA's array interface (array_interface.cpp).
#pragma once
#include <functional>

#include "abi/powertrain.h"
#include "bindings/bindings.h"
#include "ops/loaded_device.h"

namespace pt::bindings {

inline constexpr uint64_t kReadOnly = 1, kCopied = 2;
inline constexpr const char* kVersioned = "dltensor_versioned";
inline constexpr const char* kUnversioned = "dltensor";

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

PtDataType dlpack_type(DType dtype);

// A tensor over memory that somebody lent, which `release` gives back. Throws with `where` in front, and takes nothing
// then.
Tensor tensor_over(Memory& memory, void* data, const TensorType& type, const Strides& strides,
                   const std::function<void()>& release, const std::string& where);

// The CUDA device of that number, which is opened if nobody used it before; for an array of class `kind` that lies
// there.
const LoadedDevice& cuda_device(int ordinal, const std::string& kind, const std::string& where);

// By __cuda_array_interface__: whether an object has one, and a tensor over its memory.
bool has_cuda_array(py::handle object);
Tensor from_cuda_array(py::handle object, const std::string& where);
void register_cuda_array(py::module_& m);
void register_sending(py::module_& m);

// What is queued here from now on comes after what others have queued: in the device's default stream alone, or, after
// a wait on the host, in any. And nothing that was queued here still runs. What fails is told by the next call.
void follow_others(const LoadedDevice& device, bool default_stream_alone) noexcept;
void wait_for_ours(const LoadedDevice& device) noexcept;

// A call of the device's table that may fail.
template <class Call>
void checked_call(const LoadedDevice& device, Call call) {
  PtdFailure failure{};
  if (!call(*device.table, &failure)) throw_failure(failure);
}

}  // namespace pt::bindings
