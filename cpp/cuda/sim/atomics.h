// Atomic operations on integers, as CUDA has them. There are none on floats: their order would change results.
#pragma once
#include "cuda/sim/block.h"

namespace pt::cuda::sim {

// atomicAdd(float*, 1) is no atomic on integers; neither are 8 and 16 bits.
template <class T>
constexpr bool kAtomic = (sizeof(T) == 4 || sizeof(T) == 8) && T(0.5) == T(0);

template <class T>
struct Same {
  using type = T;
};

template <class T, class Next>
__attribute__((no_sanitize("thread"))) T atomic_update(T* address, Next next) {
  static_assert(kAtomic<T>);
  atomic_access(address, sizeof(T));
  T old = __atomic_load_n(address, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(address, &old, next(old), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

}  // namespace pt::cuda::sim

#define PT_SIM_ATOMIC_UPDATE(name, next)                                                                   \
  template <class T>                                                                                       \
  __attribute__((no_sanitize("thread"))) T name(T* address, typename pt::cuda::sim::Same<T>::type value) { \
    return pt::cuda::sim::atomic_update(                                                                   \
        address, [value](T old) __attribute__((no_sanitize("thread")))->T { return next; });               \
  }
PT_SIM_ATOMIC_UPDATE(atomicAdd, static_cast<T>(old + value))
PT_SIM_ATOMIC_UPDATE(atomicSub, static_cast<T>(old - value))
PT_SIM_ATOMIC_UPDATE(atomicMin, value < old ? value : old)
PT_SIM_ATOMIC_UPDATE(atomicMax, old < value ? value : old)
PT_SIM_ATOMIC_UPDATE(atomicAnd, old& value)
PT_SIM_ATOMIC_UPDATE(atomicOr, old | value)
PT_SIM_ATOMIC_UPDATE(atomicXor, old ^ value)
PT_SIM_ATOMIC_UPDATE(atomicExch, (void(old), value))
#undef PT_SIM_ATOMIC_UPDATE

template <class T>
__attribute__((no_sanitize("thread"))) T atomicCAS(T* address, typename pt::cuda::sim::Same<T>::type expected,
                                                   typename pt::cuda::sim::Same<T>::type value) {
  pt::cuda::sim::atomic_access(address, sizeof(T));
  __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
