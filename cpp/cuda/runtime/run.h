// Runs and recordings, as abi/device.h tells of them.
#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "abi/device.h"
#include "cuda/launch.h"
#include "cuda/runtime/gpu.h"

namespace pt::cuda {

// One launch, ready to be given to a stream.
struct Work {
  Function* function;
  LaunchDesc desc;
  std::array<const void*, kMostOperands + 2> operands;  // Operands<desc.operands> of kernel.h, as bytes
};

class Recording {
 public:
  Recording(Gpu& gpu, RunStatus* block, CUgraphExec graph, const Slot& outcome)
      : gpu_(gpu), block_(block), graph_(graph), outcome_(outcome) {}
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  void play(PtdOutcome* outcome);

 private:
  Gpu& gpu_;
  RunStatus* block_;
  CUgraphExec graph_;
  Slot outcome_;  // to which each play copies the block
};

class Run {
 public:
  Run(Gpu& gpu, bool records)
      : gpu_(gpu), records_(records), block_((records ? gpu.kept_blocks : gpu.run_blocks).take()) {}
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Gpu& gpu() { return gpu_; }
  void launch(const void* desc, char* const* data, int n_data, bool commits);
  void guard(int32_t phase, bool forgives);
  void commit(bool writes);
  bool flag(const char* address);
  void finish(PtdOutcome* outcome);
  std::unique_ptr<Recording> keep();

 private:
  template <class Params>
  void launch_own(int32_t kernel, const Params& params);
  void put(Work& work, const void* params, bool commits);

  struct Noted {
    Work work;
    std::vector<std::byte> params;
  };
  Gpu& gpu_;
  bool records_;
  RunStatus* block_;
  std::vector<Noted> noted_;
};

}  // namespace pt::cuda
