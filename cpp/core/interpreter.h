// The lock of a language's interpreter, which a thread may hold when it calls the engine. Whoever waits for another
// thread, or computes for long, lets go of it: the other thread may need it to get on. Without an interpreter nothing
// happens here. The Python bindings fill in the table.
#pragma once

namespace pt {

struct Interpreter {
  void* (*release)() = nullptr;      // null if this thread does not hold the lock
  void (*acquire)(void*) = nullptr;  // what release returned
  bool (*interrupted)() = nullptr;   // whether a signal asked this thread to stop; the bindings keep what it said
};
Interpreter& interpreter();

// Below this estimate the interpreter's lock is kept: to let go of it costs more than the work.
inline constexpr double kOutsideFromMicros = 50;

// Without the interpreter's lock from here to the end of the block, if `really`. A fork waits for such blocks to end:
// the thread that forks holds the interpreter's lock, so engine code that holds it is not in the middle of anything.
class OutsideInterpreter {
 public:
  explicit OutsideInterpreter(bool really = true);
  ~OutsideInterpreter();
  OutsideInterpreter(const OutsideInterpreter&) = delete;
  OutsideInterpreter& operator=(const OutsideInterpreter&) = delete;

 private:
  void* state_ = nullptr;
};

}  // namespace pt
