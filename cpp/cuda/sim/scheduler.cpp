#include "cuda/sim/scheduler.h"

#include <cstring>
#include <sstream>
#include <utility>

#include "core/error.h"
#include "cuda/sim/modules.h"

namespace pt::cuda::sim {
namespace {

constexpr int kLanes = 32;
constexpr uint32_t kMostThreads = 1024;
constexpr uint32_t kMostShared = 227 << 10;  // of compute capability 9.0 and 10.0

std::string show(const uint3& at) { return text("(", at.x, ", ", at.y, ", ", at.z, ")"); }

uint32_t next_random(uint32_t& state) {  // xorshift
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

// What a driver would refuse.
std::string complaint(const Kernel& kernel, const Geometry& geometry) {
  const auto& [grid, block, shared] = geometry;
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if (threads < 1 || threads > kMostThreads || block.z > 64) {
    return text("a block of [", block.x, ", ", block.y, ", ", block.z, "] threads; expected 1 to ", kMostThreads,
                ", at most 64 along the last axis; change the plan's geometry");
  }
  if (threads > static_cast<uint64_t>(kernel.most_threads)) {
    return text("a block of ", threads, " threads; expected at most the ", kernel.most_threads,
                " of its launch bounds; change the plan or PT_CUDA_KERNEL");
  }
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
    return text("a grid of [", grid.x, ", ", grid.y, ", ", grid.z,
                "] blocks; expected 1 to [2147483647, 65535, 65535]; change the plan's geometry");
  }
  if (shared > kMostShared) {
    return text(shared, " bytes of dynamic shared memory; expected at most ", kMostShared, "; use smaller tiles");
  }
  return "";
}

}  // namespace

constinit thread_local Here here;

int sync_threads(Vote vote, int predicate) {
  return Scheduler::current().sync_threads(vote, predicate, __builtin_return_address(0));
}
void sync_warp(uint32_t mask) { Scheduler::current().collective("__syncwarp", nullptr, mask, nullptr, nullptr); }
void collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out) {
  Scheduler::current().collective(name, compute, mask, in, out);
}
void begin_copy(void* shared, const void* from, int bytes, int given) {
  Scheduler::current().begin_copy(static_cast<char*>(shared), static_cast<const char*>(from), bytes, given,
                                  __builtin_return_address(0));
}
void commit_copies() { Scheduler::current().commit_copies(); }
void wait_copies(int groups) { Scheduler::current().wait_copies(groups); }
void atomic_access(void* address, int bytes) {
  if (Checker::active()) {
    Scheduler::current().use(address, bytes, Use::Atomic, true, __builtin_return_address(0));
  }
}
void fail(const char* what) { Scheduler::current().fail(what); }

bool simulate(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
              Failure* failure, const Checks& checks) {
  return Scheduler::current().run(kernel, geometry, operands, params, failure, checks);
}

Scheduler& Scheduler::current() {
  thread_local Scheduler scheduler;
  return scheduler;
}

bool Scheduler::run(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
                    Failure* failure, const Checks& checks) {
  *failure = {};
  failed_ = false;
  failure_ = failure;
  if (const std::string refused = complaint(kernel, geometry); !refused.empty()) {
    failure->text = text("[cuda ", kernel.name, "] ", refused);
    return false;
  }
  kernel_ = &kernel, operands_ = operands, params_ = params;
  begin(geometry, checks);
  for (uint32_t z = 0; z < geometry.grid.z; ++z) {
    for (uint32_t y = 0; y < geometry.grid.y; ++y) {
      for (uint32_t x = 0; x < geometry.grid.x && !failed_; ++x) {
        here.block = {x, y, z};
        run_block();
      }
    }
  }
  Checker::active() = nullptr;
  return !failed_;
}

void Scheduler::begin(const Geometry& geometry, const Checks& checks) {
  const auto& [grid, block, shared] = geometry;
  here.threads = dim3(block.x, block.y, block.z);
  here.blocks = dim3(grid.x, grid.y, grid.z);
  shared_.resize(shared + 128);
  here.shared = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(shared_.data()) + 127) / 128 * 128);
  threads_.resize(block.x * block.y * block.z);
  order_ = checks.order;
  checking_ = kernel_->checked && checks.memories;
  if (!checking_) return;
  checker_.begin_launch(*kernel_, geometry, operands_, params_, *checks.memories, here.shared);
  Checker::active() = &checker_;
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
  if (checking_) checker_.begin_block(here.block);
  while (!failed_ && !ready_.empty()) {
    if (order_) std::swap(ready_[next_random(order_) % ready_.size()], ready_.back());
    const int next = ready_.back();
    ready_.pop_back();
    go_on(next);
  }
  if (!failed_ && alive_ > 0) explain_stop();
  if (failed_) {  // stacks in the middle of a kernel are of no use to the next one
    for (Thread& thread : threads_) thread = {};
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
  if (checking_) checker_.begin_thread(next, thread.fiber->stack(), Fiber::kStackBytes);
  switch_context(main_, thread.fiber->context());
  if (thread.state == State::Ended) idle_.push_back(std::move(thread.fiber));
}

// The whole life of a fiber: thread after thread.
void Scheduler::run_fiber() {
  for (;;) {
    kernel_->run(operands_, params_);
    end_thread();
    wait();
  }
}

void Scheduler::end_thread() {
  Thread& thread = threads_[current_];
  if (!thread.copies.empty())
    fail("ends before its copies to shared memory; expected it to wait for them; call wait_copies<0>()");
  if (checking_ && at_barrier_ > 0)
    fail("ends while others wait at a barrier; expected all at it; move it out of the branch");
  for (int lane = 0, first = current_ - here.lane; lane < kLanes && first + lane < static_cast<int>(threads_.size());
       ++lane) {
    const Thread& other = threads_[first + lane];
    if (other.state != State::AtCollective || !(other.mask >> here.lane & 1)) continue;
    fail(text("ends while ", where(first + lane), " waits for it at ", other.name,
              "; expected masks of lanes that take part; move it out of the branch"));
  }
  thread.state = State::Ended;
  thread.groups = 0;
  --alive_;
  if (at_barrier_ > 0 && at_barrier_ == alive_) release_barrier();  // a device does not wait for those that ended
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
  if (checking_) checker_.barrier();
  for (int i = n - 1; i >= 0; --i) {
    Thread& thread = threads_[i];
    if (thread.state != State::AtBarrier) continue;
    thread.votes = thread.vote == Vote::And ? count == waiting : thread.vote == Vote::Or ? count > 0 : count;
    make_ready(i);
  }
}

int Scheduler::sync_threads(Vote vote, int predicate, const void* place) {
  Thread& thread = threads_[current_];
  if (checking_ && alive_ < static_cast<int>(threads_.size())) {
    fail("waits at a barrier after others have ended" + at_line(place) +
         "; expected all at it; move it out of the branch");
  }
  thread.state = State::AtBarrier;
  thread.vote = vote, thread.predicate = predicate, thread.name = "__syncthreads", thread.place = place;
  if (++at_barrier_ == alive_) {
    if (checking_) compare_barriers();
    release_barrier();
  }
  wait();
  return thread.votes;
}

// A device lets threads meet at barriers in different places. Nobody means that.
void Scheduler::compare_barriers() {
  const void* place = threads_[current_].place;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = threads_[i];
    if (thread.place == place || line_of(thread.place) == line_of(place)) continue;
    fail(text("waits at a barrier", at_line(place), " while ", where(static_cast<int>(i)), " waits at another one",
              at_line(thread.place), "; expected all at the same one; move it out of the branch"));
  }
}

void Scheduler::collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out) {
  Thread& thread = threads_[current_];
  thread.name = name, thread.compute = compute, thread.mask = mask, thread.in = in, thread.out = out;
  if (!(mask >> here.lane & 1))
    fail(text("calls ", name, " with a mask that does not hold its own lane; expected all that call it; add the lane"));
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
      fail(text("calls ", last.name, " with a mask that holds lane ", lane,
                ", which has ended or never was; expected lanes that take part; take it out of the mask"));
    }
    const Thread& thread = threads_[warp + lane];
    if (thread.state != State::AtCollective || thread.compute != last.compute || thread.mask != last.mask) return false;
    in[lane] = thread.in;
    out[lane] = thread.out;
  }
  if (last.compute) {
    Checker* const paused = std::exchange(Checker::active(), nullptr);  // it goes to the stacks of all lanes
    last.compute(last.mask, in, out);
    Checker::active() = paused;
  } else if (checking_) {
    checker_.sync_lanes(warp / kLanes, last.mask);
  }
  threads_[current_].state = State::Ready;
  for (int lane = kLanes - 1; lane >= 0; --lane) {
    if ((last.mask >> lane & 1) && warp + lane != current_) make_ready(warp + lane);
  }
  return true;
}

void Scheduler::use(const void* address, int64_t bytes, Use use, bool as_one, const void* place) {
  const std::string wrong = checker_.complaint(address, bytes, use, as_one, place);
  if (!wrong.empty()) fail(wrong);
}

void Scheduler::begin_copy(char* to, const char* from, int bytes, int given, const void* place) {
  Thread& thread = threads_[current_];
  if (checking_) {
    if (given) use(from, given, Use::Read, given == bytes, place);
    use(to, bytes, Use::Write, true, place);
    checker_.set_pending(to, bytes, true);
  }
  thread.copies.push_back({to, from, bytes, given, thread.groups, place});
}

void Scheduler::wait_copies(int groups) {
  Thread& thread = threads_[current_];
  const auto done = [&](const Copy& copy) {
    if (copy.group >= thread.groups - groups) return false;
    if (checking_) {
      checker_.set_pending(copy.to, copy.bytes, false);
      use(copy.to, copy.bytes, Use::Write, true, copy.place);
    }
    std::memcpy(copy.to, copy.from, copy.given);
    std::memset(copy.to + copy.given, 0, copy.bytes - copy.given);
    return true;
  };
  std::erase_if(thread.copies, done);
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
