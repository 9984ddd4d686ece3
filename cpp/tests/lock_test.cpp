// Leases and slots among threads and processes: nobody is forgotten, nobody waits for himself, whole values stay whole.
#include "core/lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/interpreter.h"
#include "core/slot.h"
#include "tests/check.h"

namespace {

using pt::Lease;
using Mode = pt::Lease::Mode;

// More threads than processors, so that many sleep. One that is not woken up hangs the test.
void test_readers_and_writers() {
  constexpr int kThreads = 6, kRounds = 20000;
  Lease lease;
  int64_t numbers[2] = {0, 0};
  std::atomic<int64_t> torn{0}, written{0};
  const auto work = [&](int seed) {
    for (int round = 0; round < kRounds; ++round) {
      const Mode mode = (round + seed) % 3 == 0 ? Mode::Write : Mode::Read;
      const uint32_t process = lease.acquire(mode);
      if (numbers[0] != numbers[1]) ++torn;
      if (mode == Mode::Write) {
        ++numbers[0];
        if (round % 64 == 0) std::this_thread::yield();
        ++numbers[1];
        ++written;
      }
      lease.release(mode, process);
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(torn.load(), 0);
  CHECK_EQ(numbers[0], written.load());
}

// Runs `work` in a child process; whether it returned true.
template <class Work>
bool in_child(Work work) {
  const pid_t child = fork();
  if (child == 0) std::_Exit(work() ? 0 : 1);
  int result = -1;
  waitpid(child, &result, 0);
  return WIFEXITED(result) && WEXITSTATUS(result) == 0;
}

void test_a_fork_frees_what_waiting_threads_hold_and_calls_it_whole() {
  Lease held, wanted;
  const uint32_t process = wanted.acquire(Mode::Write);
  std::atomic<bool> waits{false};
  std::thread other([&] {
    const uint32_t own = held.acquire(Mode::Write);
    waits = true;
    wanted.release(Mode::Write, wanted.acquire(Mode::Write));
    held.release(Mode::Write, own);
  });
  while (!waits) std::this_thread::yield();
  CHECK(in_child([&] { return held.try_acquire(Mode::Write) && !held.torn(); }));
  wanted.release(Mode::Write, process);
  other.join();
}

void test_code_inside_of_a_run_does_not_wait() {
  Lease lease;
  const uint32_t process = lease.acquire(Mode::Write);
  {
    const pt::InsideRun inside;
    CHECK_THROWS(
        lease.acquire(Mode::Read), pt::Error,
        "[interrupt] a signal handler or a finalizer that ran within a step or a long call asked for a slot, a loop or "
        "a "
        "compiled function that this step may be using; expected one that uses none of them; set a flag in it, and "
        "look "
        "at the flag after the step");
  }
  lease.release(Mode::Write, process);
  const pt::InsideRun inside;
  lease.release(Mode::Read, lease.acquire(Mode::Read));  // free, so there is nothing to wait for
}

std::mutex interpreters_lock;
thread_local bool has_interpreters_lock = false;

void* let_go() {
  if (!has_interpreters_lock) return nullptr;
  has_interpreters_lock = false;
  interpreters_lock.unlock();
  return &interpreters_lock;
}

void take_again(void*) {
  interpreters_lock.lock();
  has_interpreters_lock = true;
}

// A program that holds the base, of which it knows by another view, and waits for the slot must not be waited for.
void test_a_slot_that_becomes_a_view_takes_leases_as_programs_do() {
  pt::interpreter() = {[] { return has_interpreters_lock; }, &let_go, &take_again, nullptr};
  const auto make = [] { return pt::Slot::make(pt::Tensor::scalar(1, pt::DType::F32), "slot", false); };
  pt::SlotRef base = make(), slot = make();
  if (slot < base) std::swap(slot, base);
  const uint32_t process = base->lease().acquire(Mode::Write);
  std::atomic<bool> begun{false};
  std::thread mover([&] {
    take_again(nullptr);
    begun = true;
    CHECK(slot->become_view(base, 0));
    let_go();
  });
  while (!begun) std::this_thread::yield();
  take_again(nullptr);  // which the mover lets go of when it waits
  const bool is_free = slot->lease().try_acquire(Mode::Write);
  CHECK(is_free);
  if (is_free) slot->lease().release(Mode::Write, process);
  let_go();
  base->lease().release(Mode::Write, process);
  mover.join();
  CHECK(slot->base() == base);
  pt::interpreter() = {};
}

}  // namespace

int main() {
  test_readers_and_writers();
  test_a_fork_frees_what_waiting_threads_hold_and_calls_it_whole();
  test_code_inside_of_a_run_does_not_wait();
  test_a_slot_that_becomes_a_view_takes_leases_as_programs_do();
  return pt::check::finish();
}
