// Looks at each load and store of a launch of kernels that were compiled for it (PT_CUDA_CHECKED).
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cuda/sim/shadow.h"
#include "cuda/sim/simulate.h"
#include "cuda/sim/vectors.h"

namespace pt::cuda::sim {

class Checker {
 public:
  // Of the launch that runs on this thread of the host; null between launches, and where nothing is checked.
  static Checker*& active();

  void begin_launch(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
                    Memories& memories, char* dynamic_shared);
  void begin_block(const uint3& block);
  void begin_thread(int thread, const char* stack, int64_t stack_bytes);
  void barrier() { now_ = next_tick(); }
  void sync_lanes(int warp, uint32_t mask) { warps_[warp].sync(now_, mask); }

  // Of the current thread. Returns what is wrong with it, as "reads 4 bytes ...", or nothing.
  std::string complaint(const void* address, int64_t bytes, Use use, bool as_one, const void* place);

  // Of memory that a copy in the background will write.
  void set_pending(const char* address, int64_t bytes, bool pending);

 private:
  bool is_shared(const void* address) const;
  Region* find(const char* address, int64_t bytes);
  std::string outside(const char* address, const std::string& doing, const void* place);
  std::string conflict_text(const Conflict& conflict, const std::string& doing) const;
  std::string thread_text(int thread) const;
  std::string block_text(Tick tick) const;

  Memories* memories_ = nullptr;
  Region dynamic_{nullptr, 0, "dynamic shared memory", true, false, true};
  std::vector<Region> variables_;
  const void* variables_of_ = nullptr;
  const char* arguments_[2] = {};  // operands and parameters, which are read only
  int64_t argument_bytes_[2] = {};
  Extents threads_;
  Tick launch_ = 0, block_ = 0, now_ = 0;
  std::vector<std::pair<Tick, uint3>> blocks_;
  std::vector<WarpClocks> warps_;
  int thread_ = 0;
  const char* stack_ = nullptr;
  int64_t stack_bytes_ = 0;
  static constexpr int kRecent = 4;
  Region* recent_[kRecent] = {};  // looked at first; kernels go between few
  int oldest_ = 0;
};

}  // namespace pt::cuda::sim
