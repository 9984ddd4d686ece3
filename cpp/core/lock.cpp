#include "core/lock.h"

#include <pthread.h>

#include <bitset>
#include <chrono>
#include <thread>

#include "core/error.h"
#include "core/interpreter.h"

namespace pt {
namespace {

// The word of a lease: the low bits count readers, the high ones say in which process it was taken.
constexpr uint32_t kReaders = (1u << 17) - 1;
constexpr uint32_t kWriter = 1u << 17;
constexpr uint32_t kSleeping = 1u << 18;     // somebody waits on the word
constexpr uint32_t kWriterWaits = 1u << 19;  // new readers let it go first
constexpr uint32_t kProcessShift = 20;
constexpr uint32_t kHeld = kWriter | kReaders;
constexpr int kPollsBeforeSleep = 200;

// A step in another thread ends before the fork, so that the child finds whole numbers. One that does not end within
// this time (a loop without end) is cut off in the child, and what it was writing is known to be torn.
constexpr auto kLongestWaitForFork = std::chrono::seconds(5);
constexpr auto kPollBeforeFork = std::chrono::microseconds(50);

std::atomic<uint32_t> process_number{0};
std::atomic<int> writing{0};       // threads that write slots without the interpreter's lock
thread_local int own_writing = 0;  // of these, this thread's
thread_local bool inside_run = false;
bool fork_cuts = false;  // whether the fork in progress does not wait any longer
// The processes whose fork cut off a writer. A lease that a thread held at any other fork covers whole values: the
// thread only waited, for another lease or for the interpreter's lock.
std::bitset<(~0u >> kProcessShift) + 1> cut_processes;

uint32_t process_of(uint32_t word) { return word >> kProcessShift; }

void before_fork() {
  const auto end = std::chrono::steady_clock::now() + kLongestWaitForFork;
  const auto others_write = [] { return writing.load(std::memory_order_acquire) > own_writing; };
  while (others_write() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(kPollBeforeFork);
  // A thread that forks without the interpreter's lock may do so in the middle of a step that keeps it.
  fork_cuts = others_write() || (interpreter().held && !interpreter().held());
}

void in_child() {
  const uint32_t parent = this_process();
  cut_processes[parent] = fork_cuts;
  process_number.store((parent + 1) & (~0u >> kProcessShift), std::memory_order_relaxed);
  writing.store(own_writing, std::memory_order_relaxed);
}

[[maybe_unused]] const bool installed = (pthread_atfork(before_fork, nullptr, in_child), true);

// The word after taking it, or `word` itself when it must be waited for.
uint32_t taken(uint32_t word, Lease::Mode mode, uint32_t process) {
  uint32_t now = process_of(word) == process ? word : process << kProcessShift;
  if (mode == Lease::Mode::Write) return now & kHeld ? word : (now | kWriter) & ~kWriterWaits;
  return now & (kWriter | kWriterWaits) ? word : now + 1;
}

}  // namespace

uint32_t this_process() { return process_number.load(std::memory_order_relaxed); }

bool Lease::try_acquire(Mode mode) {
  const uint32_t process = this_process();
  uint32_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    const uint32_t next = taken(word, mode, process);
    if (next == word) return false;
    const bool cut_off = process_of(word) != process && (word & kWriter) && cut_processes[process_of(word)];
    if (!word_.compare_exchange_weak(word, next, std::memory_order_acquire, std::memory_order_relaxed)) continue;
    if (cut_off) torn_.store(true, std::memory_order_relaxed);
    return true;
  }
}

uint32_t Lease::acquire(Mode mode) {
  for (int polls = 0; polls < kPollsBeforeSleep; ++polls) {
    if (try_acquire(mode)) return this_process();
  }
  InsideRun::check_may_wait();
  const OutsideInterpreter outside;
  while (!try_acquire(mode)) {
    uint32_t word = word_.load(std::memory_order_relaxed);
    if (taken(word, mode, this_process()) != word) continue;
    const uint32_t waiting = word | kSleeping | (mode == Mode::Write ? kWriterWaits : 0);
    if (word != waiting && !word_.compare_exchange_weak(word, waiting, std::memory_order_relaxed)) continue;
    word_.wait(waiting, std::memory_order_relaxed);
  }
  return this_process();
}

void Lease::release(Mode mode, uint32_t process) {
  if (process != this_process()) return;  // taken before a fork: in this process nobody waits for it
  const uint32_t held = mode == Mode::Write ? kWriter : 1;
  const uint32_t before = word_.fetch_sub(held, std::memory_order_release);
  if (!(before & kSleeping) || ((before - held) & kHeld)) return;
  word_.fetch_and(~(kSleeping | kWriterWaits), std::memory_order_relaxed);
  word_.notify_all();
}

bool Lock::try_lock() {
  if (!lease_.try_acquire(Lease::Mode::Write)) return false;
  process_ = this_process();
  return true;
}

Interpreter& interpreter() {
  static Interpreter table;
  return table;
}

// Counted before the interpreter's lock is let go of, and until just before it is asked for again: while it holds that
// lock, a forking thread sees either none of a step's writes or all of them.
OutsideInterpreter::OutsideInterpreter(bool really, bool writes_slots)
    : fork_waits_(writes_slots && (really || !interpreter().release)) {
  if (fork_waits_) {
    ++own_writing;
    writing.fetch_add(1, std::memory_order_relaxed);
  }
  if (really && interpreter().release) state_ = interpreter().release();
}

OutsideInterpreter::~OutsideInterpreter() {
  if (fork_waits_) {
    --own_writing;
    writing.fetch_sub(1, std::memory_order_release);
  }
  if (state_) interpreter().acquire(state_);
}

bool StopWanted::now() {
  constexpr auto kAskEvery = std::chrono::milliseconds(50);
  const auto now = std::chrono::steady_clock::now();
  const auto interrupted = interpreter().interrupted;
  if (!interrupted || now - asked_ < kAskEvery) return false;
  asked_ = now;
  const InsideRun inside;
  return interrupted();
}

InsideRun::InsideRun() : before_(inside_run) { inside_run = true; }
InsideRun::~InsideRun() { inside_run = before_; }

void InsideRun::check_may_wait() {
  if (!inside_run) return;
  throw Error(
      "[interrupt] a signal handler or a finalizer that ran within a step or a long call asked for a slot, a loop or a "
      "compiled function that this step may be using; expected one that uses none of them; set a flag in it, and look "
      "at the flag after the step");
}

}  // namespace pt
