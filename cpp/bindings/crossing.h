// The way back into the interpreter for a thread of the engine that is outside of it.
//
// A daemon thread may be in the engine while the process ends. Python ends such a thread when it asks for the
// interpreter's lock; a moment later there is neither a lock nor an interpreter to ask. So who asks says so first, and
// the interpreter, before it goes, shuts the way and waits for those who are on it.
#pragma once

#include "bindings/bindings.h"

namespace pt::bindings {

class Crossing {
 public:
  Crossing();
  ~Crossing();
  Crossing(const Crossing&) = delete;
  Crossing& operator=(const Crossing&) = delete;

  bool open() const { return open_; }  // false: there is no interpreter any more, and there will be none

  static void shut_at_the_end();  // of this interpreter; called once, when the module is made

 private:
  bool open_;
};

// The engine's frames cannot be left in the way in which Python ends a thread, by what is no std::exception and must
// not be caught for good: the thread stops where it was caught, and goes with the process.
[[noreturn]] void stop_thread();

// Does `fn`, which asks for the interpreter's lock, if the interpreter is still there; false if it is not.
template <class Fn>
bool across(Fn fn) {
  try {
    const Crossing crossing;
    if (!crossing.open()) return false;
    fn();
    return true;
  } catch (const std::exception&) {
    throw;
  } catch (...) {
    stop_thread();
  }
}

// Gives back what is Python's, with the interpreter's lock. What cannot be given back any more goes with the process.
template <class Fn>
void with_interpreter(Fn fn) {
  across([&] {
    const py::gil_scoped_acquire gil;
    fn();
  });
}

}  // namespace pt::bindings
