// A stack of its own for a thread of a block that waits: a switch between two saves what a call keeps, and no more.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace pt::cuda::sim {

#if defined(__x86_64__)
using Context = void*;  // the stack pointer, below which the registers lie
#else
using Context = ucontext_t;
#endif

// Goes on at `to`, and comes back when somebody switches to `from`.
void switch_context(Context& from, Context& to);

class Fiber {
 public:
  // `begin(what)` runs on the fiber's stack at the first switch to it, and never returns.
  Fiber(void (*begin)(void*), void* what);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  Context& context() { return context_; }
  const char* stack() const { return memory_; }
  static constexpr std::size_t kStackBytes = 256 << 10;  // addresses; pages that nobody touches take no memory

 private:
  char* memory_;
  Context context_{};
};

}  // namespace pt::cuda::sim
