// The elements of a reduction, as accumulators see them, and its results.
#pragma once
#include "cuda/walk.h"
#include "ops/fused/element.h"
#include "ops/reduce/combine.h"
#include "ops/reduce/cuda_desc.h"

namespace pt::cuda {

// Loads of one storage as an accumulator.
template <FusedStorage kStorage>
struct LoadOf {
  static constexpr int at_once = 8;  // loads of a chain that wait together
  using type = typename PT_ISA::stored<kStorage>::value;
  static PT_FN type load(const char* at, const ReduceItems&) {
    using S = PT_ISA::stored<kStorage>;
    return S::get(*reinterpret_cast<const typename S::memory*>(at));
  }
};
// Loads of any storage as an integer: reductions of integers and of truth are rare enough to ask each time.
template <class T>
struct LoadAny {
  static constexpr int at_once = 1;
  using type = T;
  static PT_FN T load(const char* at, const ReduceItems& of) {
    T value = 0;
    PT_ISA::with_storage(of.from, [&](auto s) {
      using S = decltype(s);
      const auto x = S::get(*reinterpret_cast<const typename S::memory*>(at));
      value = of.truth ? T(x != typename S::value(0)) : T(x);
    });
    return value;
  }
};

// Calls f(load) for the accumulator.
template <class F>
PT_DEVICE void with_load(const ReduceItems& of, F f) {
  switch (of.accumulator) {
    case FusedClass::F32:
      if (of.from == FusedStorage::F32) return f(LoadOf<FusedStorage::F32>());
      if (of.from == FusedStorage::BF16) return f(LoadOf<FusedStorage::BF16>());
      return f(LoadOf<FusedStorage::F16>());
    case FusedClass::F64:
      return f(LoadOf<FusedStorage::F64>());
    case FusedClass::I32:
      return f(LoadAny<int32_t>());
    case FusedClass::U64:
      return f(LoadAny<uint64_t>());
    default:
      return f(LoadAny<int64_t>());
  }
}

// Where an item's elements begin.
PT_DEVICE const char* column_of(const char* in, const ReduceItems& of, int64_t item) {
  const Divided at = divide(item, of.inner);
  return in + offsets_of(of.outer, at.quotient).a + at.rest * of.inner_stride;
}
// From there, the offset of element k.
PT_DEVICE int64_t element_of(const ReduceItems& of, int64_t k) {
  return of.reduced.count == 1 ? k * of.reduced.a[0] : offsets_of(of.reduced, k).a;
}

template <class T>
PT_DEVICE void put_result(char* out, const ReduceItems& of, int64_t item, T value) {
  PT_ISA::with_storage(of.to, [&](auto s) {
    using S = decltype(s);
    auto* memory = reinterpret_cast<typename S::memory*>(out);
    // Of no elements the extremes are the lowest and the highest number, which are false and true.
    memory[item] = S::put(typename S::value(of.truth ? T(value > T(0)) : value));
  });
}

}  // namespace pt::cuda
