// The threads of one block: which of them can go on, and which wait for whom.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/launch.h"
#include "cuda/sim/block.h"
#include "cuda/sim/checker.h"
#include "cuda/sim/fiber.h"
#include "cuda/sim/simulate.h"

namespace pt::cuda::sim {

class Scheduler {
 public:
  // One for each thread of the host.
  static Scheduler& current();

  bool run(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params, Failure* failure,
           const Checks& checks);

  // Of the thread that runs now.
  int sync_threads(Vote vote, int predicate, const void* place);
  void collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out);
  void begin_copy(char* to, const char* from, int bytes, int given, const void* place);
  void commit_copies() { ++threads_[current_].groups; }
  void wait_copies(int groups);
  [[noreturn]] void fail(const std::string& what);
  void use(const void* address, int64_t bytes, Use use, bool as_one, const void* place);

 private:
  enum class State : uint8_t { Ready, AtBarrier, AtCollective, Ended };
  struct Copy {
    char* to;
    const char* from;
    int bytes, given, group;
    const void* place;
  };
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
    const void* place = nullptr;
    std::vector<Copy> copies{};  // under way
    int groups = 0;              // that it has committed
  };

  void begin(const Geometry& geometry, const Checks& checks);
  void run_block();
  void run_fiber();
  void go_on(int thread);
  void wait();  // leaves the current thread until somebody makes it ready
  void make_ready(int thread);
  void end_thread();
  void release_barrier();
  void compare_barriers();
  bool try_collective();
  void explain_stop();
  std::string where(int thread) const;

  const Kernel* kernel_ = nullptr;
  const void* operands_ = nullptr;
  const void* params_ = nullptr;
  Failure* failure_ = nullptr;
  bool failed_ = false;
  std::vector<Thread> threads_;
  std::vector<int> ready_;  // the last one goes on first, unless `order_` is random
  std::vector<std::unique_ptr<Fiber>> idle_;
  std::vector<char> shared_;
  int current_ = -1, at_barrier_ = 0, alive_ = 0;
  uint32_t order_ = 0;
  Context main_{};
  Checker checker_;
  bool checking_ = false;
};

}  // namespace pt::cuda::sim
