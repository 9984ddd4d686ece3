// The workers of the pool, and the cache lines through which they get their work. See pool.cpp for the idea.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/kernel.h"
#include "core/lock.h"
#include "parallel/pool.h"
#include "parallel/scratch.h"

namespace pt {

class Pool::Team {
 public:
  explicit Team(Team* before_fork) : before_fork_(before_fork) {}

  // Between these, workers without work look for it for a while before they sleep.
  void begin_run();
  void end_run() { runs_.fetch_sub(1, std::memory_order_relaxed); }

  // Takes the workers for one instruction, and starts them if need be: then the caller holds `owner`. False while
  // another thread has them, or other programs keep them from running.
  bool claim(const std::atomic<int>& threads);
  // Held by the thread that calls any of the following.
  Lock& owner() { return owner_; }
  void stop();
  void prepare(int64_t scratch_bytes);
  // `places`: where chunks note on which processor they ran, or null.
  void run(KernelFn fn, const KernelArgs& args, int64_t chunks, char* callers_scratch, int32_t* places);

 private:
  using Clock = std::chrono::steady_clock;

  struct alignas(64) Worker {
    std::thread thread;
    Scratch scratch;                // grown by the caller, between instructions
    int number = 1;                 // of its range
    std::atomic<bool> busy{false};  // has chunks
    int64_t cpu_nanos = -1;         // what it had used when the caller began to wonder; -1: not known
    Clock::time_point since;
  };

  // The chunks of an instruction that one thread begins with: front in the low half, back in the high one.
  struct alignas(64) Range {
    std::atomic<uint64_t> span{0};
  };

  bool start(int threads);  // does nothing when they are started; false when there is no worker
  void wake();
  // Whether a parallel instruction would only wait for the workers.
  bool paused() const { return paused_until_ != Clock::time_point{} && Clock::now() < paused_until_; }
  void work(Worker& worker);
  bool wait_for_work(const Worker& worker);
  void sleep(const Worker& worker, uint32_t seen_wake);
  struct Taken;
  int64_t execute_from(int number, Worker* worker, char* callers_scratch);  // worker null: the caller
  int64_t claim_chunk(int range, bool from_back);
  void leave_last(int range, Clock::time_point until);
  void execute_range(int range, bool from_back, Taken& taken);
  void wait_for_workers(int64_t chunks);
  void note_busy_workers();
  bool has_stalled_worker();
  void pause_after(Clock::duration stall);
  bool has_work(const Worker& worker) const {
    const uint64_t span = ranges_[worker.number].span.load(std::memory_order_relaxed);
    return static_cast<uint32_t>(span) < static_cast<uint32_t>(span >> 32);
  }

  // What the ranges are of. Written before them, and read after a claim.
  alignas(64) KernelFn fn_ = nullptr;
  KernelArgs args_{};
  int32_t* places_ = nullptr;
  std::unique_ptr<Range[]> ranges_;  // the caller's, then one for each worker
  std::atomic<int> size_{1};         // how many threads that is
  alignas(64) std::atomic<int64_t> done_by_workers_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};  // workers sleep on it
  std::atomic<int> asleep_{0};
  std::atomic<int> runs_{0};  // that are between begin and end
  std::atomic<bool> stopping_{false};

  alignas(64) Lock owner_;
  bool started_ = false;
  bool crowded_ = false;  // more threads than processors: whoever spins keeps another from working
  std::vector<std::unique_ptr<Worker>> workers_;
  int64_t scratch_size_ = 0;
  Clock::time_point paused_until_;  // or when the last stall was, if that began no pause
  Clock::duration last_pause_{};
  Team* before_fork_;  // its threads live in the parent process alone, so it is never destroyed
};

}  // namespace pt
