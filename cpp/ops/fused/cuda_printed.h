// What printed kernels are made of: values are plain numbers, masks are bytes that are 0 or 1.
#pragma once
#include "cuda/kernel.h"
#include "ops/fused/cuda_order.h"
#include "ops/fused/cuda_program.h"
#include "ops/fused/element.h"
#include "simd/formula.h"
#include "simd/philox.h"
#include "simd/round_to_odd.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct lane_type {
  using type = vec<T, 1>;
};
template <>
struct lane_type<uint8_t> {
  using type = mask<4, 1>;
};

template <class V>
struct lane_of_value {
  static PT_FN V make(element_of<V> x) { return V(x); }
};
template <int kBytes>
struct lane_of_value<mask<kBytes, 1>> {
  static PT_FN mask<kBytes, 1> make(uint8_t x) { return mask<kBytes, 1>::load(&x); }
};
template <class T>
PT_FN T value_of(vec<T, 1> v) {
  return T(v.part[0]);
}
template <int kBytes>
PT_FN uint8_t value_of(mask<kBytes, 1> m) {
  return m.part[0];
}

// Formula F over T.
template <class F, class T, class First, class... Rest>
PT_FN auto formula(First a, Rest... rest) {
  using V = typename lane_type<T>::type;
  if constexpr (F::first_is_mask)
    return value_of(F::apply(lane_of_value<mask_of<V>>::make(a), lane_of_value<V>::make(rest)...));
  else
    return value_of(F::apply(lane_of_value<V>::make(a), lane_of_value<V>::make(rest)...));
}

template <class To, FusedStorage kStorage, class From>
PT_FN To cast(From x) {
  To y;
  if constexpr (kStorage == FusedStorage::F16 || kStorage == FusedStorage::BF16)
    y = round_to_odd(x);
  else
    cast_one(y, x);
  using S = stored<kStorage>;
  if constexpr (is_plain<S>)
    return y;
  else
    return To(S::get(S::put(typename S::value(y))));
}

template <FusedStorage kStorage>
PT_FN auto load_element(const char* from, int64_t offset) {
  using S = stored<kStorage>;
  return S::get(reinterpret_cast<const typename S::memory*>(from)[offset]);
}
template <FusedStorage kStorage>
PT_FN void store_element(char* to, int64_t offset, typename stored<kStorage>::value x) {
  using S = stored<kStorage>;
  reinterpret_cast<typename S::memory*>(to)[offset] = S::put(x);
}

// N neighbours, in as few accesses as there can be.
template <int kBytes>
struct pack_word {
  using type = uint32_t;
};
template <>
struct pack_word<2> {
  using type = uint16_t;
};
template <FusedStorage kStorage, int N>
struct Pack {
  using S = stored<kStorage>;
  using memory = typename S::memory;
  static constexpr int kBytes = int(sizeof(memory)) * N;
  struct alignas(kBytes < 16 ? kBytes : 16) Words {
    typename pack_word<kBytes>::type word[kBytes / sizeof(typename pack_word<kBytes>::type)];
  };
  memory at[N];

  static PT_FN Pack load(const char* from, int64_t number) {
    return bit_cast<Pack>(reinterpret_cast<const Words*>(from)[number]);
  }
  PT_FN void store(char* to, int64_t number) const { reinterpret_cast<Words*>(to)[number] = bit_cast<Words>(*this); }
  PT_FN typename S::value get(int i) const { return S::get(at[i]); }
  PT_FN void put(int i, typename S::value x) { at[i] = S::put(x); }
};

// The threads that share a row: kWarps warps.
template <int kWarps>
struct RowGroup {
  static constexpr int kDepth = cuda::kFusedDepth;
  char *units, *stacks;
  int lane, warp, number, groups;

  PT_FN RowGroup(char* shared, int reductions) {
    const int thread = int(threadIdx.x), warps = int(blockDim.x) / cuda::kWarp;
    lane = thread % cuda::kWarp;
    warp = thread / cuda::kWarp % kWarps;
    number = thread / cuda::kWarp / kWarps;
    groups = warps / kWarps;
    units = shared + number * reductions * kWarps * 8;
    stacks = shared + reductions * warps * 8 + number * reductions * kDepth * 8;
  }
  PT_FN bool leads() const { return lane == 0 && warp == 0; }
  PT_FN void wait() const {
    if constexpr (kWarps > 1)
      __syncthreads();
    else
      __syncwarp();
  }
  // The lanes of a block. Then all wait, and the leader pushes `count` blocks on the stack; all wait again.
  template <class Op, class T>
  PT_FN void put(int reduction, const T (&lanes)[2]) const {
    const T sum = join_lanes<Op>(Op::one(lanes[0], lanes[1]));
    if (lane == 0) *reinterpret_cast<T*>(units + (reduction * kWarps + warp) * 8) = sum;
  }
  template <class Op, class T>
  PT_FN void push(int reduction, int64_t waves, int64_t count) const {
    const auto* from = reinterpret_cast<const T*>(units + reduction * kWarps * 8);
    const T value = join_units<Op, kWarps>(from, 8 / int(sizeof(T)), int(count < kWarps ? count : kWarps));
    push_unit<Op>(reinterpret_cast<T*>(stacks + reduction * kDepth * 8), waves, value);
  }
  template <class Op, class T>
  PT_FN T finish(int reduction, int64_t waves) const {
    return finish_units<Op>(reinterpret_cast<const T*>(stacks + reduction * kDepth * 8), waves);
  }
};

}  // namespace PT_ISA
}  // namespace pt
