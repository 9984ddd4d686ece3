// Locks that survive a fork. A child process has the forking thread alone, so what another thread of the parent held is
// free there: every lock notes the process in which it was taken, and a holder from before the fork no longer counts.
// Whoever waits lets go of the interpreter's lock, for the holder may need it (core/interpreter.h).
#pragma once
#include <atomic>
#include <cstdint>

namespace pt {

// Many readers or one writer. A writer that waits goes before readers that come later.
class Lease {
 public:
  enum class Mode : uint8_t { Read, Write };

  // The process in which it was taken, which release asks for. Throws where this thread must not wait (InsideRun).
  uint32_t acquire(Mode mode);
  bool try_acquire(Mode mode);
  void release(Mode mode, uint32_t process);
  // Whether a fork cut off a writer in the middle of its work, so that what it wrote is half old and half new. Whoever
  // writes all of it anew says so.
  bool torn() const { return torn_.load(std::memory_order_relaxed); }
  void made_whole() { torn_.store(false, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> word_{0};  // process | writer waits | somebody sleeps | writer | number of readers
  std::atomic<bool> torn_{false};
};

// Held by one thread at a time. Works with std::lock_guard and std::unique_lock.
class Lock {
 public:
  void lock() { process_ = lease_.acquire(Lease::Mode::Write); }
  bool try_lock();
  void unlock() { lease_.release(Lease::Mode::Write, process_); }

 private:
  Lease lease_;
  uint32_t process_ = 0;  // of the holder
};

// Counts the forks that lie between the first process and this one.
uint32_t this_process();

}  // namespace pt
