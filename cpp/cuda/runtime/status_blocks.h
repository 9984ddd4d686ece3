// Where the status of runs lies in the device's memory.
#pragma once
#include <mutex>
#include <vector>

#include "cuda/runtime/context.h"
#include "cuda/runtime/status.h"

namespace pt::cuda {

// Blocks of status in the device's memory, all zeros when they are handed out. A chunk of them is cleared by one fill,
// once each has had its run: in stream order that is behind what those runs have queued.
class StatusBlocks {
 public:
  explicit StatusBlocks(Context& context) : context_(context) {}
  RunStatus* take();
  void give_back(RunStatus* block);

 private:
  static constexpr int kBlocks = 256;
  struct Chunk {
    RunStatus* at;
    int next = 0, live = 0;
  };
  Chunk& usable_chunk();

  Context& context_;
  std::mutex busy_;
  std::vector<Chunk> chunks_;
  std::size_t now_ = 0;
};

}  // namespace pt::cuda
