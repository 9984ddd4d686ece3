// What an op asks of the machine for given shapes: a list of kernel launches. The op's plan function, in its spec.cpp,
// makes it once per program (or per eager call); running it decides nothing more.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/plan_context.h"
#include "core/shape.h"

namespace pt {

// An operand as a kernel will find it. Strides are in elements. Outputs are row-major, unless a spec says that its
// kernel can write strided ones.
struct Operand {
  DType dtype;
  Shape shape;
  Strides strides;
};

// A plain descriptor struct, shared by a spec.cpp and its cpu.cpp through a header of their own.
class Descriptor {
 public:
  Descriptor() = default;
  template <class T>
  static Descriptor of(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return from_bytes(&value, sizeof(T));
  }
  // For descriptors with a variable tail.
  static Descriptor from_bytes(const void* bytes, std::size_t size) {
    Descriptor d;
    d.size_ = size;
    d.bytes_ = std::shared_ptr<std::byte[]>(new (std::align_val_t(64)) std::byte[size],
                                            [](std::byte* p) { ::operator delete[](p, std::align_val_t(64)); });
    std::memcpy(d.bytes_.get(), bytes, size);
    return d;
  }
  // The same with a bool of it set.
  Descriptor with_flag(std::size_t offset) const {
    Descriptor d = from_bytes(bytes_.get(), size_);
    const bool set = true;
    std::memcpy(d.bytes_.get() + offset, &set, sizeof(set));
    return d;
  }
  const void* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }

 private:
  std::shared_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

// A launch that can look at its whole row-major result itself, while that is in a cache, and raise kStatusNonFinite. It
// does where the flag in its descriptor is set; lowering sets it for what a guard would look at.
struct FiniteCheck {
  int64_t flag = -1;  // the bool's offset; -1: it cannot
  int operand = -1;   // the result, as KernelArgs.data has it
  int64_t bytes = 0;
};

class ControlFlow;  // core/control_flow.h

struct Launch {
  std::string kernel;  // the folder under ops/ whose cpu.cpp holds it
  int variant = 0;     // index into its PT_KERNELS table; may depend on shape and dtype, never on strides
  Descriptor desc;
  int64_t chunks = 1;         // fixed by the plan; executed in any order by any thread
  int64_t scratch_bytes = 0;  // per thread
  double flops = 0;           // of the whole launch: the planner's cost and the profile's
  double bytes = 0;           // read and written
  // Which operands, in the order that KernelArgs.data has them: i is input i, then the outputs, and -1 the workspace.
  // Empty means all inputs, all outputs, and the workspace if there is one.
  std::vector<int> operands;
  // Bytes added to each operand's address, in the same order; empty means none. How a copy writes into a piece of its
  // output.
  std::vector<int64_t> byte_offsets;
  FiniteCheck finite;
  std::shared_ptr<const ControlFlow> control;  // in place of a kernel; nobody knows how long it takes
};

struct LaunchPlan {
  std::vector<Launch> launches;  // executed one after the other
  int64_t workspace_bytes = 0;   // memory shared by the launches of this plan
};

}  // namespace pt
