// The lock of a language's interpreter, which a thread may hold when it calls the engine. Whoever waits for another
// thread, or computes for long, lets go of it: the other thread may need it to get on. Without an interpreter nothing
// happens here. The Python bindings fill in the table.
#pragma once
#include <chrono>

namespace pt {

struct Interpreter {
  bool (*held)() = nullptr;          // whether this thread holds the lock
  void* (*release)() = nullptr;      // null if this thread does not hold it
  void (*acquire)(void*) = nullptr;  // what release returned
  bool (*interrupted)() = nullptr;   // whether a signal asked this thread to stop; the bindings keep what it said
};
Interpreter& interpreter();

// Below this estimate the interpreter's lock is kept: to let go of it costs more than the work.
inline constexpr double kOutsideFromMicros = 50;

// Without the interpreter's lock from here to the end of the block, if `really`. A fork waits for the blocks that write
// slots to end. It need not wait for others, nor for code that holds the interpreter's lock, since the forking thread
// holds that lock itself.
class OutsideInterpreter {
 public:
  explicit OutsideInterpreter(bool really = true, bool writes_slots = false);
  ~OutsideInterpreter();
  OutsideInterpreter(const OutsideInterpreter&) = delete;
  OutsideInterpreter& operator=(const OutsideInterpreter&) = delete;

 private:
  void* state_ = nullptr;
  bool fork_waits_;
};

// In the middle of a run this thread executes somebody else's code, such as a signal's handler. That run may hold what
// the code asks for, so to wait is an error here, and so is to begin a loop or branch, which could share its programs.
class InsideRun {
 public:
  InsideRun();
  ~InsideRun();
  InsideRun(const InsideRun&) = delete;
  InsideRun& operator=(const InsideRun&) = delete;

  static void check_may_wait();  // throws

 private:
  bool before_;
};

// Asked often within work that may take long: whether a signal wants this thread to stop. The interpreter itself is
// asked now and then.
class StopWanted {
 public:
  bool now();

 private:
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

}  // namespace pt
