#include "parallel/team.h"

#include <signal.h>

#include <cfenv>
#include <chrono>
#include <system_error>

#include "parallel/cpus.h"

namespace pt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSpinAfterRun = std::chrono::microseconds(50);
// Within a run, a worker without work gives way to other threads after this long, and sleeps after that long: a run may
// hold seconds of work that is not parallel.
constexpr auto kYieldAfter = std::chrono::microseconds(50);
constexpr auto kSleepAfter = std::chrono::milliseconds(2);
constexpr int kPollsPerClock = 32;
// About what a chunk takes; the caller's last claim and the workers' end closer together than that.
constexpr int kPollsBeforeYield = 1000;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Blocks every signal while threads are made, for they inherit the mask: handlers belong to the program's own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

bool Pool::Team::start(int threads) {
  if (started_) return !workers_.empty();
  const int wanted = threads - 1;
  crowded_ = threads > usable_cpus();
  workers_.reserve(wanted);
  scratch_.resize(wanted);
  scratch_size_ = 0;
  started_ = true;
  SignalsBlocked signals;
  try {
    for (int worker = 0; worker < wanted; ++worker) workers_.emplace_back(&Team::work, this, worker);
  } catch (const std::system_error&) {
    // The system has no more threads; fewer do the same work.
  }
  return !workers_.empty();
}

void Pool::Team::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  wake();
  for (std::thread& worker : workers_) worker.join();
  rest();
  stopping_.store(false, std::memory_order_relaxed);
  workers_.clear();
  scratch_.clear();
  started_ = false;
}

void Pool::Team::wake() {
  running_.store(true, std::memory_order_relaxed);
  wake_.fetch_add(1, std::memory_order_release);
  wake_.notify_all();
}

void Pool::Team::prepare(int64_t scratch_bytes) {
  if (scratch_bytes <= scratch_size_) return;
  for (Scratch& scratch : scratch_) scratch.reserve(scratch_bytes);
  scratch_size_ = scratch_bytes;
}

void Pool::Team::run(KernelFn fn, const KernelArgs& args, int64_t chunks, char* callers_scratch) {
  chunks_ = chunks;
  fn_ = fn;
  args_ = args;
  done_by_workers_.store(0, std::memory_order_relaxed);
  next_.store(-chunks, std::memory_order_release);
  // To miss a worker that is just falling asleep costs its help, no more.
  if (asleep_.load(std::memory_order_relaxed) > 0) wake();
  const int64_t own = claim_and_execute(kCaller, callers_scratch);
  if (own < chunks) wait_for_workers(chunks - own);
}

// Returns how many chunks it executed, when none is left to claim.
int64_t Pool::Team::claim_and_execute(int worker, char* callers_scratch) {
  int64_t claimed = next_.fetch_add(1, std::memory_order_acquire);
  if (claimed >= 0) return 0;
  const int64_t chunks = chunks_;
  const KernelFn fn = fn_;
  KernelArgs args = args_;
  args.scratch = worker == kCaller ? callers_scratch : scratch_[worker].data();
  int64_t executed = 0;
  do {
    fn(&args, claimed + chunks);
    ++executed;
    // What this thread has not reported yet keeps the instruction from ending, so this is a chunk of the same one.
    claimed = next_.fetch_add(1, std::memory_order_relaxed);
  } while (claimed < 0);
  return executed;
}

void Pool::Team::wait_for_workers(int64_t chunks) {
  for (int polls = 0; done_by_workers_.load(std::memory_order_acquire) != chunks; ++polls) {
    // A worker that was descheduled within its chunk may need this processor.
    if (crowded_ || polls > kPollsBeforeYield) {
      std::this_thread::yield();
    } else {
      relax();
    }
  }
}

void Pool::Team::work(int worker) {
  std::fesetenv(FE_DFL_ENV);  // not what the thread that made this one happens to have set
  while (wait_for_work()) {
    const int64_t executed = claim_and_execute(worker, nullptr);
    if (executed) done_by_workers_.fetch_add(executed, std::memory_order_release);
  }
}

// Returns when there may be work, or false when this thread must end.
bool Pool::Team::wait_for_work() {
  Clock::time_point last_work = Clock::now(), last_run = last_work;
  for (;;) {
    for (int i = 0; i < kPollsPerClock; ++i) {
      if (has_work()) return true;
      relax();
    }
    // Read before running_: a run that begins after this makes sleep() return at once.
    const uint32_t seen_wake = wake_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return false;
    const Clock::time_point now = Clock::now();
    if (running_.load(std::memory_order_relaxed)) last_run = now;
    if (now - last_run > kSpinAfterRun || now - last_work > kSleepAfter) {
      sleep(seen_wake);
      last_work = last_run = Clock::now();
    } else if (crowded_ || now - last_work > kYieldAfter) {
      std::this_thread::yield();
    }
  }
}

void Pool::Team::sleep(uint32_t seen_wake) {
  asleep_.fetch_add(1, std::memory_order_relaxed);
  if (!has_work()) wake_.wait(seen_wake, std::memory_order_relaxed);
  asleep_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace pt
