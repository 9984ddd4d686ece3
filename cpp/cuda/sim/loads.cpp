// The functions that gcc's -fsanitize=thread puts before each load and store of device code. They are its interface to
// a run-time library, of which nothing else is used.
#include "cuda/sim/scheduler.h"

namespace {

using namespace pt::cuda::sim;

// The checker is asked in place of a race detector for threads of the host.
inline void look(void* address, int64_t bytes, Use use, bool as_one, const void* place) {
  if (Checker::active()) Scheduler::current().use(address, bytes, use, as_one, place);
}

}  // namespace

#define PT_SIM_LOOK(bytes)                                               \
  PT_SIM_DOOR void __tsan_read##bytes(void* address) {                   \
    look(address, bytes, Use::Read, true, __builtin_return_address(0));  \
  }                                                                      \
  PT_SIM_DOOR void __tsan_write##bytes(void* address) {                  \
    look(address, bytes, Use::Write, true, __builtin_return_address(0)); \
  }

extern "C" {
PT_SIM_LOOK(1)
PT_SIM_LOOK(2)
PT_SIM_LOOK(4)
PT_SIM_LOOK(8)
PT_SIM_LOOK(16)
PT_SIM_DOOR void __tsan_read_range(void* address, unsigned long bytes) {
  look(address, static_cast<int64_t>(bytes), Use::Read, false, __builtin_return_address(0));
}
PT_SIM_DOOR void __tsan_write_range(void* address, unsigned long bytes) {
  look(address, static_cast<int64_t>(bytes), Use::Write, false, __builtin_return_address(0));
}
PT_SIM_DOOR void __tsan_init() {}
PT_SIM_DOOR void __tsan_func_entry(void*) {}
PT_SIM_DOOR void __tsan_func_exit() {}
}
