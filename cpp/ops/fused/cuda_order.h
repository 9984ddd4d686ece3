// The canonical order of reductions (row_reduce.h) on CUDA: a warp has the 64 lanes of a block of 1,024 elements, two
// for each thread; the results of neighbouring blocks join in pairs, as a binary counter does.
#pragma once
#include "cuda/kernel.h"
#include "ops/fused/reduction.h"

namespace pt {
namespace PT_ISA {

// What the lanes of a warp hold, as one value in the first.
template <class Op, class T>
PT_FN T join_lanes(T value) {
  for (int apart = 16; apart > 0; apart /= 2) {
    const T other = __shfl_down_sync(0xffffffffu, value, apart);
    value = Op::one(value, other);
  }
  return value;
}
// Neighbours in pairs: of the first `count` lanes, of which there may be fewer than a power of two.
template <class Op, class T>
PT_FN T join_neighbours(T value, int count) {
  const int lane = int(threadIdx.x) % cuda::kWarp;
  for (int apart = 1; apart < count; apart *= 2) {
    const T other = __shfl_down_sync(0xffffffffu, value, apart);
    if (lane % (2 * apart) == 0 && lane + apart < count) value = Op::one(value, other);
  }
  return value;
}

template <class Op, class T>
PT_FN void push_unit(T* stack, int64_t done, T value) {
  int top = __popcll(uint64_t(done));
  for (int64_t carry = done; carry & 1; carry >>= 1) value = Op::one(stack[--top], value);
  stack[top] = value;
}
template <class Op, class T>
PT_FN T finish_units(const T* stack, int64_t done) {
  int top = __popcll(uint64_t(done));
  T value = top > 0 ? stack[--top] : Op::template identity<T>();
  while (top > 0) value = Op::one(stack[--top], value);
  return value;
}

// Of `count` neighbours, which are `step` apart in memory.
template <class Op, int kMost, class T>
PT_FN T join_units(const T* units, int step, int count) {
  T value[kMost];
  value[0] = units[0];
  for (int i = 1; i < count; ++i) value[i] = units[i * step];
  for (int apart = 1; apart < count; apart *= 2) {
    for (int i = 0; i + apart < count; i += 2 * apart) value[i] = Op::one(value[i], value[i + apart]);
  }
  return value[0];
}

}  // namespace PT_ISA
}  // namespace pt
