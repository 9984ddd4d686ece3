#include "parallel/team.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cfenv>
#include <system_error>

#include "parallel/cpus.h"

namespace pt {
namespace {

constexpr auto kSpinAfterRun = std::chrono::microseconds(50);
// Within a run, a worker without work gives way to other threads after this long, and sleeps after that long: a run may
// hold seconds of work that is not parallel.
constexpr auto kYieldAfter = std::chrono::microseconds(50);
constexpr auto kSleepAfter = std::chrono::milliseconds(2);
constexpr int kPollsPerClock = 32;
// About what a chunk takes; the caller's last claim and the workers' end closer together than that.
constexpr int kPollsBeforeYield = 1000;

// A worker that gets less of a processor than this part while it has chunks is kept from it by others.
constexpr int kStalledBelow = 4;
constexpr auto kLeastSample = std::chrono::microseconds(50);
// Being alone costs at most the other processors; waiting costs a time slice of another program. A single stall is an
// accident. When the next one comes after less than kSoon of work together, run alone for several times as long as it
// took, and twice as long again each time that the pause has hardly ended before the next.
constexpr auto kSoon = std::chrono::milliseconds(30);
constexpr int kPausePerStall = 4;
constexpr auto kLongestPause = std::chrono::milliseconds(250);

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The processor time that a thread has used, or -1 where the system does not tell.
int64_t cpu_nanos_of(std::thread& thread) {
#ifdef __linux__
  clockid_t clock;
  timespec time;
  if (pthread_getcpuclockid(thread.native_handle(), &clock) == 0 && clock_gettime(clock, &time) == 0) {
    return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
  }
#endif
  (void)thread;
  return -1;
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

void Pool::Team::begin_run() { runs_.fetch_add(1, std::memory_order_relaxed); }

bool Pool::Team::claim(const std::atomic<int>& threads) {
  if (!owner_.try_lock()) return false;
  // Read under the lock, under which set_threads changes it.
  if (start(threads.load(std::memory_order_relaxed)) && !paused()) {
    // To miss a worker that is just falling asleep costs its help, no more.
    if (asleep_.load(std::memory_order_relaxed) > 0) wake();
    return true;
  }
  owner_.unlock();
  return false;
}

bool Pool::Team::start(int threads) {
  if (started_) return !workers_.empty();
  const int wanted = threads - 1;
  crowded_ = threads > usable_cpus();
  scratch_size_ = 0;
  started_ = true;
  SignalsBlocked signals;
  int running = 0;
  try {
    // In full before the first thread starts, since each finds its own by number.
    ranges_ = std::make_unique<Range[]>(static_cast<std::size_t>(threads));
    for (int i = 0; i < wanted; ++i) {
      workers_.push_back(std::make_unique<Worker>());
      workers_.back()->number = i + 1;  // the caller's is 0
    }
    for (; running < wanted; ++running)
      workers_[running]->thread = std::thread(&Team::work, this, std::ref(*workers_[running]));
  } catch (const std::system_error&) {
    // The system has no more threads; fewer do the same work.
  } catch (const std::bad_alloc&) {
    // Nor memory for more.
  }
  workers_.resize(running);
  size_.store(running + 1, std::memory_order_relaxed);
  return !workers_.empty();
}

void Pool::Team::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  wake();
  for (auto& worker : workers_) worker->thread.join();
  stopping_.store(false, std::memory_order_relaxed);
  workers_.clear();
  paused_until_ = {};
  last_pause_ = {};
  started_ = false;
}

void Pool::Team::wake() {
  wake_.fetch_add(1, std::memory_order_release);
  wake_.notify_all();
}

void Pool::Team::prepare(int64_t scratch_bytes) {
  if (scratch_bytes <= scratch_size_) return;
  for (auto& worker : workers_) worker->scratch.reserve(scratch_bytes);
  scratch_size_ = scratch_bytes;
}

void Pool::Team::run(KernelFn fn, const KernelArgs& args, int64_t chunks, char* callers_scratch, int32_t* places) {
  fn_ = fn;
  args_ = args;
  places_ = places;
  done_by_workers_.store(0, std::memory_order_relaxed);
  const int64_t threads = size_.load(std::memory_order_relaxed);
  for (int64_t t = threads - 1; t >= 0; --t) {
    const auto front = static_cast<uint64_t>(t * chunks / threads),
               back = static_cast<uint64_t>((t + 1) * chunks / threads);
    ranges_[t].span.store(back << 32 | front, std::memory_order_release);
  }
  if (asleep_.load(std::memory_order_relaxed) > 0) wake();
  const int64_t own = execute_from(0, nullptr, callers_scratch);
  if (own < chunks) wait_for_workers(chunks - own);
}

// The next chunk of a range, or -1 if there is none.
int64_t Pool::Team::claim_chunk(int range, bool from_back) {
  std::atomic<uint64_t>& word = ranges_[range].span;
  uint64_t span = word.load(std::memory_order_relaxed);
  for (;;) {
    const auto front = static_cast<uint32_t>(span), back = static_cast<uint32_t>(span >> 32);
    if (front >= back) return -1;
    const uint64_t rest = from_back ? span - (uint64_t{1} << 32) : span + 1;
    if (word.compare_exchange_weak(span, rest, std::memory_order_acquire, std::memory_order_relaxed))
      return from_back ? back - 1 : front;
  }
}

// What a thread knows of the instruction of which it has claimed chunks.
struct Pool::Team::Taken {
  int64_t chunks = 0;
  Worker* worker;
  char* callers_scratch;
  KernelFn fn;
  KernelArgs args;
  int32_t* places;
};

void Pool::Team::execute_range(int range, bool from_back, Taken& taken) {
  for (int64_t chunk; (chunk = claim_chunk(range, from_back)) >= 0; ++taken.chunks) {
    // What this thread has not reported yet keeps the instruction from ending, so all its chunks are of the same one.
    if (taken.chunks == 0) {
      taken.fn = fn_;
      taken.args = args_;
      taken.args.scratch = taken.worker ? taken.worker->scratch.data() : taken.callers_scratch;
      taken.places = places_;
      if (taken.worker) taken.worker->busy.store(true, std::memory_order_relaxed);
    }
    taken.fn(&taken.args, chunk);
    if (taken.places) taken.places[chunk] = current_cpu();
  }
}

// Its owner most likely takes the last chunk of a range soon, and has its rows in the cache. To wait for a whole
// chunk's time costs more than moved rows do: 4 % of LeNet's step where cores share no cache.
void Pool::Team::leave_last(int range, Clock::time_point until) {
  for (;;) {
    const uint64_t span = ranges_[range].span.load(std::memory_order_relaxed);
    if (static_cast<uint32_t>(span) + 1 != static_cast<uint32_t>(span >> 32) || Clock::now() >= until) return;
    relax();
  }
}

// Returns how many chunks it executed, when none is left to claim. Neighbours begin at opposite ends of what they
// share, and whoever helps takes from the end that the owner comes to last.
int64_t Pool::Team::execute_from(int number, Worker* worker, char* callers_scratch) {
  Taken taken{0, worker, callers_scratch, nullptr, {}, nullptr};
  const auto is_odd = [](int range) { return range % 2 == 1; };
  const Clock::time_point begin = Clock::now();
  execute_range(number, is_odd(number), taken);
  const Clock::time_point done = Clock::now();
  const int threads = size_.load(std::memory_order_relaxed);
  for (int distance = 1; distance < threads; ++distance) {
    for (const int range : {number + distance, number - distance}) {
      if (range < 0 || range >= threads) continue;
      if (taken.chunks > 0) leave_last(range, done + (done - begin) / (4 * taken.chunks));
      execute_range(range, !is_odd(range), taken);
    }
  }
  return taken.chunks;
}

void Pool::Team::wait_for_workers(int64_t chunks) {
  const auto finished = [&] { return done_by_workers_.load(std::memory_order_acquire) == chunks; };
  for (int polls = 0; !crowded_ && polls < kPollsBeforeYield; ++polls) {
    if (finished()) return;
    relax();
  }
  if (finished()) return;
  // A long chunk, or a worker that was descheduled within its chunk and may need this processor.
  const Clock::time_point begin = Clock::now();
  note_busy_workers();
  bool stalled = false;
  while (!finished()) {
    std::this_thread::yield();
    stalled = stalled || has_stalled_worker();
  }
  if (stalled) pause_after(Clock::now() - begin);
}

void Pool::Team::note_busy_workers() {
  for (auto& worker : workers_) {
    const bool busy = worker->busy.load(std::memory_order_relaxed);
    worker->cpu_nanos = busy ? cpu_nanos_of(worker->thread) : -1;
    worker->since = Clock::now();
  }
}

// Whether a worker that has chunks got hardly any processor time since it was noted.
bool Pool::Team::has_stalled_worker() {
  for (auto& worker : workers_) {
    if (worker->cpu_nanos < 0 || !worker->busy.load(std::memory_order_relaxed)) continue;
    const Clock::duration passed = Clock::now() - worker->since;
    if (passed < kLeastSample) continue;
    const int64_t used = cpu_nanos_of(worker->thread) - worker->cpu_nanos;
    if (used * kStalledBelow < std::chrono::nanoseconds(passed).count()) return true;
  }
  return false;
}

void Pool::Team::pause_after(Clock::duration stall) {
  const Clock::time_point now = Clock::now();
  // From the end of the pause: it could hold no stall. A longer time here would let one short disturbance in every
  // half second keep all work on one processor.
  const bool again = paused_until_ != Clock::time_point{} && now - paused_until_ < kSoon;
  last_pause_ = again ? std::min<Clock::duration>(std::max(kPausePerStall * stall, 2 * last_pause_), kLongestPause)
                      : Clock::duration{};
  paused_until_ = now + last_pause_;
}

void Pool::Team::work(Worker& worker) {
  std::fesetenv(FE_DFL_ENV);  // not what the thread that made this one happens to have set
  while (wait_for_work(worker)) {
    const int64_t executed = execute_from(worker.number, &worker, nullptr);
    if (!executed) continue;
    worker.busy.store(false, std::memory_order_relaxed);
    done_by_workers_.fetch_add(executed, std::memory_order_release);
  }
}

// Returns when there may be work, or false when this thread must end.
bool Pool::Team::wait_for_work(const Worker& worker) {
  Clock::time_point last_work = Clock::now(), last_run = last_work;
  for (;;) {
    for (int i = 0; i < kPollsPerClock; ++i) {
      if (has_work(worker)) return true;
      relax();
    }
    // Read before runs_: a run that begins after this makes sleep() return at once.
    const uint32_t seen_wake = wake_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return false;
    const Clock::time_point now = Clock::now();
    if (runs_.load(std::memory_order_relaxed) > 0) last_run = now;
    if (now - last_run > kSpinAfterRun || now - last_work > kSleepAfter) {
      sleep(worker, seen_wake);
      last_work = last_run = Clock::now();
    } else if (crowded_ || now - last_work > kYieldAfter) {
      std::this_thread::yield();
    }
  }
}

void Pool::Team::sleep(const Worker& worker, uint32_t seen_wake) {
  asleep_.fetch_add(1, std::memory_order_relaxed);
  if (!has_work(worker)) wake_.wait(seen_wake, std::memory_order_relaxed);
  asleep_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace pt
