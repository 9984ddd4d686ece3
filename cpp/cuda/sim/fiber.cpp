#include "cuda/sim/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace pt::cuda::sim {
namespace {

constexpr std::size_t kPage = 4096;

char* new_stack() {
  void* made =
      mmap(nullptr, Fiber::kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) throw std::bad_alloc();
  mprotect(made, kPage, PROT_NONE);  // a stack that overflows stops here
  return static_cast<char*>(made);
}

}  // namespace

Fiber::~Fiber() { munmap(memory_, kStackBytes); }

#if defined(__x86_64__)

// System V: rbx, rbp and r12 to r15 survive a call.
extern "C" void pt_sim_switch(void** from, void* to);
extern "C" void pt_sim_begin();
asm(R"(
.text
.globl pt_sim_switch
.hidden pt_sim_switch
.type pt_sim_switch, @function
pt_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pt_sim_switch, .-pt_sim_switch
.globl pt_sim_begin
.hidden pt_sim_begin
.type pt_sim_begin, @function
pt_sim_begin:
  movq %r12, %rdi
  xorl %ebp, %ebp
  callq *%r13
  ud2
.size pt_sim_begin, .-pt_sim_begin
)");

void switch_context(Context& from, Context& to) { pt_sim_switch(&from, to); }

Fiber::Fiber(void (*begin)(void*), void* what) : memory_(new_stack()) {
  auto* top = reinterpret_cast<uint64_t*>(memory_ + kStackBytes);
  top -= 2;  // pt_sim_begin starts with an aligned stack
  *--top = reinterpret_cast<uint64_t>(&pt_sim_begin);
  const uint64_t registers[6] = {0, 0, reinterpret_cast<uint64_t>(begin), reinterpret_cast<uint64_t>(what), 0, 0};
  for (int i = 5; i >= 0; --i) *--top = registers[i];  // r15, r14, r13, r12, rbx, rbp from below
  context_ = top;
}

#else

namespace {
void begin_at(unsigned begin_low, unsigned begin_high, unsigned what_low, unsigned what_high) {
  const auto join = [](unsigned low, unsigned high) { return static_cast<uintptr_t>(low | uint64_t{high} << 32); };
  reinterpret_cast<void (*)(void*)>(join(begin_low, begin_high))(reinterpret_cast<void*>(join(what_low, what_high)));
}
}  // namespace

void switch_context(Context& from, Context& to) { swapcontext(&from, &to); }

Fiber::Fiber(void (*begin)(void*), void* what) : memory_(new_stack()) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = memory_;
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  const auto low = [](auto pointer) { return static_cast<unsigned>(reinterpret_cast<uintptr_t>(pointer)); };
  const auto high = [](auto pointer) {
    return static_cast<unsigned>(uint64_t{reinterpret_cast<uintptr_t>(pointer)} >> 32);
  };
  makecontext(&context_, reinterpret_cast<void (*)()>(begin_at), 4, low(begin), high(begin), low(what), high(what));
}

#endif

}  // namespace pt::cuda::sim
