// The threads of one block: which of them can go on, and which wait for whom.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/launch.h"
#include "cuda/sim/block.h"
#include "cuda/sim/fiber.h"
#include "cuda/sim/simulate.h"

namespace pt::cuda::sim {

class Scheduler {
 public:
  // One for each thread of the host.
  static Scheduler& current();

  bool run(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params, Failure* failure);

  // Of the thread that runs now.
  int sync_threads(Vote vote, int predicate);
  void collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out);
  [[noreturn]] void fail(const std::string& what);

 private:
  enum class State : uint8_t { Ready, AtBarrier, AtCollective, Ended };
  struct Thread {
    State state = State::Ready;
    std::unique_ptr<Fiber> fiber;  // none before it starts, nor when it has ended
    uint3 index{};
    // What it waits with.
    Vote vote = Vote::None;
    int predicate = 0, votes = 0;
    const char* name = nullptr;
    Collective compute = nullptr;
    uint32_t mask = 0;
    const void* in = nullptr;
    void* out = nullptr;
  };

  void run_block();
  void run_fiber();
  void go_on(int thread);
  void wait();  // leaves the current thread until somebody makes it ready
  void make_ready(int thread);
  void release_barrier();
  bool try_collective();
  void explain_stop();
  std::string where(int thread) const;

  const Kernel* kernel_ = nullptr;
  const void* operands_ = nullptr;
  const void* params_ = nullptr;
  Failure* failure_ = nullptr;
  bool failed_ = false;
  std::vector<Thread> threads_;
  std::vector<int> ready_;  // the last one goes on first
  std::vector<std::unique_ptr<Fiber>> idle_;
  std::vector<char> shared_;
  int current_ = -1, at_barrier_ = 0, alive_ = 0;
  Context main_{};
};

}  // namespace pt::cuda::sim
