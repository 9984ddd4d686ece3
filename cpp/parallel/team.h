// The workers of the pool, and the cache lines through which they get their work. See pool.cpp for the idea.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/kernel.h"
#include "parallel/pool.h"
#include "parallel/scratch.h"

namespace pt {

class Pool::Team {
 public:
  explicit Team(Team* before_fork) : before_fork_(before_fork) {}

  // Held by the thread that calls any of the following.
  std::mutex& owner() { return owner_; }

  bool start(int threads);  // does nothing when they are started; false when there is no worker
  void stop();
  void wake();
  void rest() { running_.store(false, std::memory_order_relaxed); }
  void prepare(int64_t scratch_bytes);
  // Whether other programs keep the workers from running, so that a parallel instruction would only wait for them.
  bool paused() const { return paused_until_ != Clock::time_point{} && Clock::now() < paused_until_; }
  void run(KernelFn fn, const KernelArgs& args, int64_t chunks, char* callers_scratch);

 private:
  using Clock = std::chrono::steady_clock;

  struct alignas(64) Worker {
    std::thread thread;
    Scratch scratch;                // grown by the caller, between instructions
    int side = 1;                   // from which end of the chunks it takes its own
    std::atomic<bool> busy{false};  // has chunks
    int64_t cpu_nanos = -1;         // what it had used when the caller began to wonder; -1: not known
    Clock::time_point since;
  };

  void work(Worker& worker);
  bool wait_for_work();
  void sleep(uint32_t seen_wake);
  int64_t claim_and_execute(Worker* worker, char* callers_scratch);  // worker null: the caller
  void wait_for_workers(int64_t chunks);
  void note_busy_workers();
  bool has_stalled_worker();
  void pause_after(Clock::duration stall);
  bool has_work() const { return next_.load(std::memory_order_relaxed) < 0; }

  // One cache line holds the instruction: a worker that wins its claim has fetched the description with it.
  alignas(64) std::atomic<int64_t> next_{0};
  int64_t chunks_ = 0;
  KernelFn fn_ = nullptr;
  KernelArgs args_{};
  // How many chunks each side has taken from its end; only where threads share a side.
  struct alignas(64) Side {
    std::atomic<int64_t> taken{0};
  };
  Side sides_[2];
  alignas(64) std::atomic<int64_t> done_by_workers_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};  // workers sleep on it
  std::atomic<int> asleep_{0};
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};

  alignas(64) std::mutex owner_;
  bool started_ = false;
  bool crowded_ = false;  // more threads than processors: whoever spins keeps another from working
  std::vector<std::unique_ptr<Worker>> workers_;
  int64_t scratch_size_ = 0;
  Clock::time_point paused_until_;  // or when the last stall was, if that began no pause
  Clock::duration last_pause_{};
  Team* before_fork_;  // its threads live in the parent process alone, so it is never destroyed
};

}  // namespace pt
