// Calls a plugin's function directly, on memory that the conformance kit laid out, and tells how that went. For the
// kit's own processes: a fault leaves them as good as over.
#include <setjmp.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstring>
#include <thread>

#include "abi/powertrain.h"
#include "bindings/bindings.h"
#include "core/error.h"
#include "core/interpreter.h"

namespace pt::bindings {
namespace {

// The arguments of one call: the address of a PtCall, or n, out, in and attributes of an elementwise function.
using Arguments = std::vector<std::uintptr_t>;

int32_t call_function(std::uintptr_t function, const Arguments& a) {
  if (a.size() == 1) return reinterpret_cast<PtKernel>(function)(reinterpret_cast<const PtCall*>(a[0]));
  // Both elementwise signatures are alike to the machine: pointers in, nothing out.
  reinterpret_cast<PtElementwiseF32>(function)(static_cast<int64_t>(a[0]), reinterpret_cast<float*>(a[1]),
                                               reinterpret_cast<const float* const*>(a[2]),
                                               reinterpret_cast<const double*>(a[3]));
  return 0;
}

struct Fault {
  int signal = 0;
  std::uintptr_t address = 0;
  bool write = false;
};
sigjmp_buf before_call;
Fault fault;

void on_fault(int number, siginfo_t* info, [[maybe_unused]] void* context) {
  fault.signal = number;
  fault.address = reinterpret_cast<std::uintptr_t>(info->si_addr);
#if defined(__linux__) && defined(__x86_64__)
  fault.write = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & 2;
#endif
  siglongjmp(before_call, 1);
}

class FaultHandlers {
 public:
  FaultHandlers() {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    for (int i = 0; i < kSignals; ++i) sigaction(signals[i], &action, &old_[i]);
  }
  ~FaultHandlers() {
    for (int i = 0; i < kSignals; ++i) sigaction(signals[i], &old_[i], nullptr);
  }
  FaultHandlers(const FaultHandlers&) = delete;
  FaultHandlers& operator=(const FaultHandlers&) = delete;

 private:
  static constexpr int kSignals = 4;
  static constexpr int signals[kSignals] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  struct sigaction old_[kSignals];
};

bool same_environment(const std::fenv_t& a, const std::fenv_t& b) {
#if defined(__x86_64__)
  constexpr unsigned kFlags = 0x3f;  // raised by ordinary arithmetic
  return a.__control_word == b.__control_word && (a.__mxcsr & ~kFlags) == (b.__mxcsr & ~kFlags);
#else
  (void)a, (void)b;
  return std::fegetround() == FE_TONEAREST;
#endif
}

// {code, signal, address, write, environment}: what the function returned; the signal that it died of, where, and
// whether it wrote there (known on x86 alone); whether it left the processor's floating-point mode as it was.
py::dict call_guarded(std::uintptr_t function, const Arguments& arguments) {
  std::fenv_t before, after;
  fault = {};
  volatile int32_t code = 0;
  std::fegetenv(&before);
  {
    const FaultHandlers handlers;
    if (sigsetjmp(before_call, 1) == 0) code = call_function(function, arguments);
  }
  std::fegetenv(&after);
  std::fesetenv(&before);
  py::dict told;
  told["code"] = static_cast<int32_t>(code);
  told["signal"] = fault.signal;
  told["address"] = fault.address;
  told["write"] = fault.write;
  told["environment"] = same_environment(before, after);
  return told;
}

struct Racer {
  Arguments call;
  std::uintptr_t output, expected;
  std::size_t bytes;
};

// Each racer calls again and again while the others do, and compares its output with what it should be. Returns how
// many results were different.
int64_t race(std::uintptr_t function,
             const std::vector<std::tuple<Arguments, std::uintptr_t, std::uintptr_t, std::size_t>>& given,
             int repeats) {
  std::vector<Racer> racers;
  for (const auto& [call, output, expected, bytes] : given) racers.push_back({call, output, expected, bytes});
  std::atomic<int64_t> different{0};
  std::atomic<int> ready{0};
  const OutsideInterpreter outside;
  std::vector<std::thread> threads;
  for (const Racer& racer : racers) {
    threads.emplace_back([&, racer] {
      ++ready;
      while (ready.load() < static_cast<int>(racers.size())) std::this_thread::yield();
      for (int i = 0; i < repeats; ++i) {
        call_function(function, racer.call);
        different += std::memcmp(reinterpret_cast<const void*>(racer.output),
                                 reinterpret_cast<const void*>(racer.expected), racer.bytes) != 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return different;
}

// Nanoseconds of one call, the least of several turns.
double time_call(std::uintptr_t function, const Arguments& arguments, int calls) {
  double least = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call_function(function, arguments);
    const double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
    least = turn == 0 ? ns : std::min(least, ns);
  }
  return least / calls;
}

}  // namespace

void register_examine(py::module_& m) {
  m.def("call_guarded", &call_guarded, py::arg("function"), py::arg("arguments"));
  m.def("race", &race, py::arg("function"), py::arg("racers"), py::arg("repeats"));
  m.def("time_call", &time_call, py::arg("function"), py::arg("arguments"), py::arg("calls"));
}

}  // namespace pt::bindings
