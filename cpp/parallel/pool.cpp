// The idea. A parallel instruction is published by one store to `next`, which then counts up from -chunks. Whoever
// reads a negative number out of its fetch_add has claimed a chunk, and the caller returns only when every claimed
// chunk is done; so the claim itself keeps the instruction's description valid, and it is read only after the claim.
// There is no epoch that a late thread could mistake: if it looked at one instruction and its fetch_add reached the
// next one, then it has claimed a chunk of the next one, by right, and reads that one's description. Numbers from 0 up
// mean that nothing is left: a thread that sees them touches nothing but `next`. Which chunk a claim stands for is
// another matter: some threads take theirs from the front and the others from the back, as many together as there are
// claims, so that the two sides meet and never overlap. What an instruction reads is then mostly where the same thread
// wrote it: cores may have last caches of their own.
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

// What a thread knows of its own run. Plain data in the static block, so that reading it is one instruction.
struct ThreadState {
  int depth = 0;  // of enter
  bool owns_workers = false;
  bool executing = false;
  char* scratch = nullptr;
  int64_t scratch_size = 0;
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
  current.owns_workers = false;
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
  std::unique_lock hold(team_->owner(), std::try_to_lock);
  if (!hold || !team_->start(threads()) || team_->paused()) return;
  team_->wake();
  current.owns_workers = true;
  hold.release();
}

void Pool::leave() {
  // In a child process the run may have been entered before the fork.
  if (current.depth == 0 || --current.depth > 0 || !current.owns_workers) return;
  current.owns_workers = false;
  team_->rest();
  team_->owner().unlock();
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
  if (parallel && chunks > 1 && current.owns_workers && !team_->paused()) {
    team_->prepare(scratch_bytes);
    current.executing = true;
    team_->run(fn, args, chunks, current.scratch);
  } else {
    current.executing = true;
    execute_alone(fn, args, chunks, current.scratch);
  }
  current.executing = false;
}

RunWithin::RunWithin() : executing_(current.executing) { current.executing = false; }
RunWithin::~RunWithin() { current.executing = executing_; }

}  // namespace pt
