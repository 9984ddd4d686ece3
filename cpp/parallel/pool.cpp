// The idea. Every thread has a range of an instruction's chunks, the same part of the whole for each instruction, so
// that it mostly reads what it wrote before: cores may have last caches of their own. A range is one word, (front,
// back), and a chunk is claimed by a compare-and-swap on it: by its own thread from one end, and by a thread that has
// none left from the other end, beginning with its nearest neighbour. An instruction is published by storing the
// ranges. The caller returns only when every claimed chunk is done; so the claim itself keeps the instruction's
// description valid, and it is read only after the claim. There is no epoch that a late thread could mistake: if it
// looked at the range of one instruction and its swap reached the next one, then it has claimed a chunk of the next
// one, by right, and reads that one's description. A thread that finds all ranges empty touches nothing else.
//
// The workers belong to one instruction at a time. A run that finds them with another thread's instruction executes
// this one alone and asks again for the next, and what was lost by that is counted.
#include "parallel/pool.h"

#include <pthread.h>
#include <signal.h>

#include "core/error.h"
#include "parallel/cpus.h"
#include "parallel/scratch.h"
#include "parallel/team.h"

namespace pt {
namespace {

constexpr int kMostThreads = 1024;
constexpr int64_t kMostShared = UINT32_MAX;  // chunks of one instruction: a range counts them in half a word

// What a thread knows of its own run. Plain data in the static block, so that reading it is one instruction.
struct ThreadState {
  int depth = 0;         // of enter
  bool entered = false;  // the workers know of this thread's run
  bool executing = false;
  char* scratch = nullptr;
  int64_t scratch_size = 0;
  int32_t* places = nullptr;
};
#ifdef __linux__
__attribute__((tls_model("initial-exec")))
#endif
thread_local ThreadState current;

void grow_own_scratch(int64_t bytes) {
  thread_local Scratch own;
  own.reserve(bytes);
  current.scratch = own.data();
  current.scratch_size = own.size();
}

// Marks this thread as being in a chunk.
struct Executing {
  Executing() { current.executing = true; }
  ~Executing() { current.executing = false; }
  Executing(const Executing&) = delete;
  Executing& operator=(const Executing&) = delete;
};

void execute_alone(KernelFn fn, const KernelArgs& args, int64_t chunks, char* scratch) {
  KernelArgs own = args;
  own.scratch = scratch;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) fn(&own, chunk);
}

}  // namespace

Pool& Pool::instance() {
  // Never destroyed: at the end of the process its threads may still be spinning.
  static Pool* pool = [] {
    Pool* made = new Pool;
    pthread_atfork(nullptr, nullptr, [] { instance().forget_team_after_fork(); });
    return made;
  }();
  return *pool;
}

Pool::Pool() : threads_(default_threads()), team_(new Team(nullptr)) {}

// Threads do not survive a fork, and a lock may be held by one that is gone.
void Pool::forget_team_after_fork() {
  team_ = new Team(team_);
  current.depth = 0;
  current.entered = false;
}

void Pool::set_threads(int threads) {
  if (threads < 1 || threads > kMostThreads) {
    throw Error(text("[set_threads] ", threads, " threads; expected 1 to ", kMostThreads,
                     "; one per processor is usually best"));
  }
  if (current.depth > 0 || current.executing) {
    throw Error(text("[set_threads] ", threads,
                     " threads, asked for inside of a run; expected a call between runs; call it before the run"));
  }
  std::lock_guard hold(team_->owner());
  if (threads == this->threads()) return;
  team_->stop();
  threads_.store(threads, std::memory_order_relaxed);
}

void Pool::enter() {
  if (current.depth++ > 0 || threads() == 1) return;
  current.entered = true;
  team_->begin_run();
  // To wake the workers now and not with the first shared instruction hides how long they take.
  if (team_->claim(threads_)) team_->owner().unlock();
}

void Pool::leave() {
  // In a child process the run may have been entered before the fork.
  if (current.depth == 0 || --current.depth > 0 || !current.entered) return;
  current.entered = false;
  team_->end_run();
}

void Pool::run(KernelFn fn, const KernelArgs& args, int64_t chunks, int64_t scratch_bytes, bool parallel) {
  if (current.executing) {
    // From inside of a chunk, whose scratch must stay as it is.
    Scratch scratch;
    scratch.reserve(scratch_bytes);
    execute_alone(fn, args, chunks, scratch.data());
    return;
  }
  if (scratch_bytes > current.scratch_size) grow_own_scratch(scratch_bytes);
  const Executing executing;
  if (!parallel || chunks < 2 || !current.entered) return execute_alone(fn, args, chunks, current.scratch);
  if (chunks > kMostShared || !team_->claim(threads_)) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    return execute_alone(fn, args, chunks, current.scratch);
  }
  const std::lock_guard hold(team_->owner(), std::adopt_lock);
  team_->prepare(scratch_bytes);
  team_->run(fn, args, chunks, current.scratch, current.places);
}

PlacesNoted::PlacesNoted(int32_t* places) { current.places = places; }
PlacesNoted::~PlacesNoted() { current.places = nullptr; }

}  // namespace pt
