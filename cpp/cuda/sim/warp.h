// Shuffles, votes and reductions of a warp, as CUDA's __*_sync functions.
#pragma once
#include <string.h>

#include "cuda/sim/block.h"

namespace pt::cuda::sim {

struct ShuffleIn {
  uint64_t value;
  int source;
};

inline void shuffle_lanes(uint32_t mask, const void* const* in, void* const* out) {
  for (int lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    const int source = static_cast<const ShuffleIn*>(in[lane])->source;
    if (!(mask >> source & 1))
      fail("shuffles from a lane outside of its mask; expected one that takes part; widen the mask");
    *static_cast<uint64_t*>(out[lane]) = static_cast<const ShuffleIn*>(in[source])->value;
  }
}

template <class T>
T shuffle(const char* name, uint32_t mask, T value, int source) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);  // as CUDA has them
  ShuffleIn in{0, source};
  uint64_t out = 0;
  memcpy(&in.value, &value, sizeof(T));
  collective(name, shuffle_lanes, mask, &in, &out);
  memcpy(&value, &out, sizeof(T));
  return value;
}

inline int segment(int width) { return here.lane & ~(width - 1); }

template <class T, class Combine>
T combine_lanes(uint32_t mask, const void* const* in, Combine combine) {
  T result{};
  bool first = true;
  for (int lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    const T value = *static_cast<const T*>(in[lane]);
    result = first ? value : combine(result, value);
    first = false;
  }
  return result;
}

template <class T, class Combine>
T reduce(const char* name, uint32_t mask, T value) {
  T out{};
  const Collective compute = [](uint32_t lanes, const void* const* in, void* const* results) {
    const T result = combine_lanes<T>(lanes, in, Combine());
    for (int lane = 0; lane < 32; ++lane) {
      if (lanes >> lane & 1) *static_cast<T*>(results[lane]) = result;
    }
  };
  collective(name, compute, mask, &value, &out);
  return out;
}

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return a + b;
  }
};
struct Least {
  template <class T>
  T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};
struct Most {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};
struct BitAnd {
  template <class T>
  T operator()(T a, T b) const {
    return a & b;
  }
};
struct BitOr {
  template <class T>
  T operator()(T a, T b) const {
    return a | b;
  }
};
struct BitXor {
  template <class T>
  T operator()(T a, T b) const {
    return a ^ b;
  }
};

template <class T>
void match_lanes(uint32_t mask, const void* const* in, void* const* out) {
  for (int lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    uint32_t equal = 0;
    for (int other = 0; other < 32; ++other) {
      if ((mask >> other & 1) && *static_cast<const T*>(in[other]) == *static_cast<const T*>(in[lane])) {
        equal |= 1u << other;
      }
    }
    *static_cast<uint32_t*>(out[lane]) = equal;
  }
}

}  // namespace pt::cuda::sim

inline void __syncwarp(unsigned mask = 0xffffffffu) { pt::cuda::sim::sync_warp(mask); }

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return pt::cuda::sim::shuffle("__shfl_sync", mask, value, pt::cuda::sim::segment(width) + (source & (width - 1)));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const int lane = pt::cuda::sim::here.lane, source = lane - static_cast<int>(delta);
  return pt::cuda::sim::shuffle("__shfl_up_sync", mask, value, source < pt::cuda::sim::segment(width) ? lane : source);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const int lane = pt::cuda::sim::here.lane, source = lane + static_cast<int>(delta);
  return pt::cuda::sim::shuffle("__shfl_down_sync", mask, value,
                                source >= pt::cuda::sim::segment(width) + width ? lane : source);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  const int lane = pt::cuda::sim::here.lane, source = lane ^ bits;
  return pt::cuda::sim::shuffle("__shfl_xor_sync", mask, value,
                                source >= pt::cuda::sim::segment(width) + width ? lane : source);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const unsigned bit = predicate ? 1u << pt::cuda::sim::here.lane : 0u;
  return pt::cuda::sim::reduce<unsigned, pt::cuda::sim::BitOr>("__ballot_sync", mask, bit);
}
inline int __any_sync(unsigned mask, int predicate) {
  return pt::cuda::sim::reduce<int, pt::cuda::sim::BitOr>("__any_sync", mask, predicate != 0);
}
inline int __all_sync(unsigned mask, int predicate) {
  return pt::cuda::sim::reduce<int, pt::cuda::sim::BitAnd>("__all_sync", mask, predicate != 0);
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value) {
  unsigned out = 0;
  pt::cuda::sim::collective("__match_any_sync", pt::cuda::sim::match_lanes<T>, mask, &value, &out);
  return out;
}

#define PT_SIM_REDUCE(name, Combine)                                                    \
  inline unsigned name(unsigned mask, unsigned value) {                                 \
    return pt::cuda::sim::reduce<unsigned, pt::cuda::sim::Combine>(#name, mask, value); \
  }                                                                                     \
  inline int name(unsigned mask, int value) {                                           \
    return pt::cuda::sim::reduce<int, pt::cuda::sim::Combine>(#name, mask, value);      \
  }
PT_SIM_REDUCE(__reduce_min_sync, Least)
PT_SIM_REDUCE(__reduce_max_sync, Most)
PT_SIM_REDUCE(__reduce_and_sync, BitAnd)
PT_SIM_REDUCE(__reduce_or_sync, BitOr)
PT_SIM_REDUCE(__reduce_xor_sync, BitXor)
#undef PT_SIM_REDUCE
inline unsigned __reduce_add_sync(unsigned mask, unsigned value) {
  return pt::cuda::sim::reduce<unsigned, pt::cuda::sim::Add>("__reduce_add_sync", mask, value);
}
inline int __reduce_add_sync(unsigned mask, int value) {  // wraps around
  return static_cast<int>(__reduce_add_sync(mask, static_cast<unsigned>(value)));
}
