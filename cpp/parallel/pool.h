// The thread pool: one per process, used by every program and eager call.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/kernel.h"

namespace pt {

class Pool {
 public:
  static Pool& instance();

  // How many threads execute a parallel instruction, the caller among them.
  int threads() const { return threads_.load(std::memory_order_relaxed); }
  // Waits for the run that uses the workers, if there is one. Not to be called between enter and leave.
  void set_threads(int threads);

  // Around a run that has parallel instructions: wakes the workers and does not wait for them. Calls may be nested.
  void enter();
  void leave();

  // Executes fn for the chunks 0..chunks-1 and returns when all are done. args.scratch is replaced by memory of each
  // executing thread. Parallel only between enter and leave, and not from inside of a chunk. While the workers are with
  // an instruction of another thread, or kept from running by other programs, the caller executes all chunks.
  void run(KernelFn fn, const KernelArgs& args, int64_t chunks, int64_t scratch_bytes, bool parallel);

  // How many instructions since the process began were worth sharing and had no workers.
  int64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

 private:
  class Team;
  Pool();
  void forget_team_after_fork();

  std::atomic<int> threads_;
  std::atomic<int64_t> lost_{0};
  Team* team_;
};

// While it lives, every chunk of an instruction that this thread shares notes on which processor it ran. `places` has
// room for all chunks.
class PlacesNoted {
 public:
  explicit PlacesNoted(int32_t* places);
  ~PlacesNoted();
  PlacesNoted(const PlacesNoted&) = delete;
  PlacesNoted& operator=(const PlacesNoted&) = delete;
};

// Holds the workers for a scope.
class PoolRun {
 public:
  explicit PoolRun(bool parallel) : parallel_(parallel) {
    if (parallel_) Pool::instance().enter();
  }
  ~PoolRun() {
    if (parallel_) Pool::instance().leave();
  }
  PoolRun(const PoolRun&) = delete;
  PoolRun& operator=(const PoolRun&) = delete;

 private:
  bool parallel_;
};

}  // namespace pt
