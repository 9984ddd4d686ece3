// Runs a LaunchPlan as an unfriendly executor would: chunks last to first, scratch and workspace full of NaN before
// every chunk and launch, and canaries behind them.
#pragma once
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "check.h"
#include "core/launch.h"
#include "parallel/kernel_table.h"

namespace pt::check {

// Memory aligned to 64 bytes, full of NaN in every float dtype.
class NanBuffer {
 public:
  explicit NanBuffer(int64_t bytes)
      : bytes_((bytes + 63) / 64 * 64), data_(static_cast<char*>(::operator new[](bytes_ + 64, std::align_val_t(64)))) {
    std::memset(data_, 0xFF, bytes_ + 64);
  }
  ~NanBuffer() { ::operator delete[](data_, std::align_val_t(64)); }
  NanBuffer(const NanBuffer&) = delete;
  NanBuffer& operator=(const NanBuffer&) = delete;
  char* data() const { return data_; }
  bool intact() const {
    for (int i = 0; i < 64; ++i)
      if (data_[bytes_ + i] != char(0xFF)) return false;
    return true;
  }

 private:
  int64_t bytes_;
  char* data_;
};

// data: the inputs, then the outputs.
inline void run_hostile(const LaunchPlan& plan, const std::vector<char*>& data) {
  uint32_t status = 0;
  NanBuffer workspace(plan.workspace_bytes);
  for (const Launch& launch : plan.launches) {
    std::vector<char*> operands;
    for (int index : launch.operands) operands.push_back(index < 0 ? workspace.data() : data[index]);
    if (launch.operands.empty()) {
      operands = data;
      if (plan.workspace_bytes > 0) operands.push_back(workspace.data());
    }
    for (size_t i = 0; i < launch.byte_offsets.size(); ++i) operands[i] += launch.byte_offsets[i];
    const KernelFn kernel = kernels_of(launch.kernel, current_isa())[launch.variant];
    for (int64_t chunk = launch.chunks - 1; chunk >= 0; --chunk) {
      NanBuffer scratch(launch.scratch_bytes);
      const KernelArgs args = {operands.data(), launch.desc.data(), scratch.data(), &status};
      kernel(&args, chunk);
      CHECK(scratch.intact());
    }
  }
  CHECK(workspace.intact());
}

}  // namespace pt::check
