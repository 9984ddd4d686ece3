#include "cuda/sim/scheduler.h"

#include <sstream>

#include "core/error.h"

namespace pt::cuda::sim {
namespace {

constexpr int kLanes = 32;
constexpr uint32_t kMostThreads = 1024;
constexpr uint32_t kMostShared = 227 << 10;  // of compute capability 9.0 and 10.0

std::string show(const uint3& at) { return text("(", at.x, ", ", at.y, ", ", at.z, ")"); }

// What a driver would refuse.
std::string complaint(const Kernel& kernel, const Geometry& geometry) {
  const auto& [grid, block, shared] = geometry;
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if (threads < 1 || threads > kMostThreads || block.z > 64) {
    return text("a block of [", block.x, ", ", block.y, ", ", block.z, "] threads; expected 1 to ", kMostThreads,
                ", at most 64 along the last axis");
  }
  if (threads > static_cast<uint64_t>(kernel.most_threads)) {
    return text("a block of ", threads, " threads; expected at most the ", kernel.most_threads,
                " of its launch bounds; change the plan or PT_CUDA_KERNEL");
  }
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
    return text("a grid of [", grid.x, ", ", grid.y, ", ", grid.z,
                "] blocks; expected 1 to [2147483647, 65535, 65535]");
  }
  if (shared > kMostShared) {
    return text(shared, " bytes of dynamic shared memory; expected at most ", kMostShared);
  }
  return "";
}

}  // namespace

constinit thread_local Here here;

int sync_threads(Vote vote, int predicate) { return Scheduler::current().sync_threads(vote, predicate); }
void collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out) {
  Scheduler::current().collective(name, compute, mask, in, out);
}
void atomic_access(void*, int) {}
void fail(const char* what) { Scheduler::current().fail(what); }

bool simulate(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
              Failure* failure) {
  return Scheduler::current().run(kernel, geometry, operands, params, failure);
}

Scheduler& Scheduler::current() {
  thread_local Scheduler scheduler;
  return scheduler;
}

bool Scheduler::run(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
                    Failure* failure) {
  *failure = {};
  failed_ = false;
  failure_ = failure;
  if (const std::string refused = complaint(kernel, geometry); !refused.empty()) {
    failure->text = text("[cuda ", kernel.name, "] ", refused);
    return false;
  }
  kernel_ = &kernel, operands_ = operands, params_ = params;
  const auto& [grid, block, shared] = geometry;
  here.threads = dim3(block.x, block.y, block.z);
  here.blocks = dim3(grid.x, grid.y, grid.z);
  shared_.resize(shared + 128);
  here.shared = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(shared_.data()) + 127) / 128 * 128);
  threads_.resize(block.x * block.y * block.z);
  for (uint32_t z = 0; z < grid.z; ++z) {
    for (uint32_t y = 0; y < grid.y; ++y) {
      for (uint32_t x = 0; x < grid.x && !failed_; ++x) {
        here.block = {x, y, z};
        run_block();
      }
    }
  }
  return !failed_;
}

void Scheduler::run_block() {
  const int n = static_cast<int>(threads_.size());
  ready_.clear();
  uint3 index{};
  for (int i = 0; i < n; ++i) {
    Thread& thread = threads_[i];
    thread.state = State::Ready;
    thread.index = index;
    if (++index.x == here.threads.x) index.x = 0, ++index.y;
    if (index.y == here.threads.y) index.y = 0, ++index.z;
    ready_.push_back(n - 1 - i);
  }
  alive_ = n;
  at_barrier_ = 0;
  while (!failed_ && !ready_.empty()) {
    const int next = ready_.back();
    ready_.pop_back();
    go_on(next);
  }
  if (!failed_ && alive_ > 0) explain_stop();
  if (failed_) {  // stacks in the middle of a kernel are of no use to the next one
    for (Thread& thread : threads_) thread.fiber.reset();
  }
}

void Scheduler::go_on(int next) {
  Thread& thread = threads_[next];
  if (!thread.fiber) {
    if (idle_.empty()) {
      idle_.push_back(std::make_unique<Fiber>([](void* self) { static_cast<Scheduler*>(self)->run_fiber(); }, this));
    }
    thread.fiber = std::move(idle_.back());
    idle_.pop_back();
  }
  current_ = next;
  here.thread = thread.index;
  here.lane = next % kLanes;
  switch_context(main_, thread.fiber->context());
  if (thread.state == State::Ended) idle_.push_back(std::move(thread.fiber));
}

// The whole life of a fiber: thread after thread.
void Scheduler::run_fiber() {
  for (;;) {
    kernel_->run(operands_, params_);
    Thread& thread = threads_[current_];
    thread.state = State::Ended;
    --alive_;
    if (at_barrier_ > 0 && at_barrier_ == alive_) release_barrier();  // those that ended are not waited for
    switch_context(thread.fiber->context(), main_);
  }
}

void Scheduler::wait() { switch_context(threads_[current_].fiber->context(), main_); }

void Scheduler::make_ready(int thread) {
  threads_[thread].state = State::Ready;
  ready_.push_back(thread);
}

void Scheduler::release_barrier() {
  const int n = static_cast<int>(threads_.size());
  int count = 0, waiting = 0;
  for (const Thread& thread : threads_) {
    if (thread.state != State::AtBarrier) continue;
    ++waiting;
    count += thread.predicate != 0;
  }
  at_barrier_ = 0;
  for (int i = n - 1; i >= 0; --i) {
    Thread& thread = threads_[i];
    if (thread.state != State::AtBarrier) continue;
    thread.votes = thread.vote == Vote::And ? count == waiting : thread.vote == Vote::Or ? count > 0 : count;
    make_ready(i);
  }
}

int Scheduler::sync_threads(Vote vote, int predicate) {
  Thread& thread = threads_[current_];
  thread.state = State::AtBarrier;
  thread.vote = vote, thread.predicate = predicate, thread.name = "__syncthreads";
  if (++at_barrier_ == alive_) release_barrier();
  wait();
  return thread.votes;
}

void Scheduler::collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out) {
  Thread& thread = threads_[current_];
  thread.name = name, thread.compute = compute, thread.mask = mask, thread.in = in, thread.out = out;
  if (!(mask >> here.lane & 1)) fail(text("calls ", name, " with a mask that does not hold its own lane"));
  thread.state = State::AtCollective;
  if (!try_collective()) wait();
}

// The last lane to come computes for all, and goes on.
bool Scheduler::try_collective() {
  const Thread& last = threads_[current_];
  const int warp = current_ - here.lane, n = static_cast<int>(threads_.size());
  const void* in[kLanes] = {};
  void* out[kLanes] = {};
  for (int lane = 0; lane < kLanes; ++lane) {
    if (!(last.mask >> lane & 1)) continue;
    if (warp + lane >= n || threads_[warp + lane].state == State::Ended) {
      fail(text("calls ", last.name, " with a mask that holds lane ", lane, ", which has ended or never was"));
    }
    const Thread& thread = threads_[warp + lane];
    if (thread.state != State::AtCollective || thread.compute != last.compute || thread.mask != last.mask) return false;
    in[lane] = thread.in;
    out[lane] = thread.out;
  }
  last.compute(last.mask, in, out);
  threads_[current_].state = State::Ready;
  for (int lane = kLanes - 1; lane >= 0; --lane) {
    if ((last.mask >> lane & 1) && warp + lane != current_) make_ready(warp + lane);
  }
  return true;
}

std::string Scheduler::where(int thread) const {
  return text("block ", show(here.block), " thread ", show(threads_[thread].index));
}

void Scheduler::fail(const std::string& what) {
  failed_ = true;
  failure_->text = text("[cuda ", kernel_->name, "] ", where(current_), " ", what);
  wait();
  __builtin_unreachable();
}

// Nobody can go on: says for two threads what each of them waits for.
void Scheduler::explain_stop() {
  std::ostringstream out;
  out << "[cuda " << kernel_->name << "] ";
  const Thread* first = nullptr;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = threads_[i];
    if (thread.state == State::Ended) continue;
    const bool same = first && first->name == thread.name && first->mask == thread.mask;
    if (same) continue;
    out << (first ? ", and " : "") << where(static_cast<int>(i)) << " waits at " << thread.name;
    if (thread.state == State::AtCollective) out << " with mask 0x" << std::hex << thread.mask << std::dec;
    if (first) break;
    first = &thread;
  }
  out << "; expected all threads that wait for each other at the same operation; move it out of the branch";
  failed_ = true;
  failure_->text = out.str();
}

}  // namespace pt::cuda::sim
