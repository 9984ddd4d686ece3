#include "cuda/runtime/status_blocks.h"

namespace pt::cuda {

RunStatus* StatusBlocks::take() {
  const std::lock_guard lock(busy_);
  Chunk& chunk = usable_chunk();
  ++chunk.live;
  return chunk.at + chunk.next++;
}

StatusBlocks::Chunk& StatusBlocks::usable_chunk() {
  if (now_ < chunks_.size() && chunks_[now_].next < kBlocks) return chunks_[now_];
  constexpr std::size_t kBytes = kBlocks * sizeof(RunStatus);
  for (now_ = 0; now_ < chunks_.size() && chunks_[now_].live > 0; ++now_) {
  }
  if (now_ == chunks_.size()) {
    CUdeviceptr address = 0;
    context_.check(context_.driver.cuMemAlloc(&address, kBytes), "allocating memory for the status of runs");
    chunks_.push_back({reinterpret_cast<RunStatus*>(address), kBlocks});
  }
  Chunk& chunk = chunks_[now_];
  context_.check(context_.driver.cuMemsetD8Async(reinterpret_cast<CUdeviceptr>(chunk.at), 0, kBytes, context_.stream),
                 "clearing the status of runs");
  chunk.next = 0;
  return chunk;
}

void StatusBlocks::give_back(RunStatus* block) {
  const std::lock_guard lock(busy_);
  for (Chunk& chunk : chunks_) {
    if (block >= chunk.at && block < chunk.at + kBlocks) --chunk.live;
  }
}

}  // namespace pt::cuda
