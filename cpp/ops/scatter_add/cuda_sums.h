// Sums of elements as they are put: 16-bit floats add up in f32, and integers wrap, so they add as unsigned.
#pragma once
#include "cuda/kernel.h"
#include "ops/fused/element.h"

namespace pt::cuda {

template <class Memory>
struct SumOf {
  using memory = Memory;
  static PT_FN memory load(memory value) { return value; }
  static PT_FN memory join(memory a, memory b) { return memory(a + b); }
  static PT_FN memory round(memory value) { return value; }
};
template <class Storage>
struct SumOfHalf {
  using memory = typename Storage::memory;
  static PT_FN float load(memory value) { return Storage::get(value); }
  static PT_FN float join(float a, float b) { return a + b; }
  static PT_FN memory round(float value) { return Storage::put(value); }
};

// Calls f(join) for the storage.
template <class F>
PT_DEVICE void with_sum(FusedStorage storage, F f) {
  using namespace PT_ISA;
  switch (storage) {
    case FusedStorage::F32:
      return f(SumOf<float>());
    case FusedStorage::F64:
      return f(SumOf<double>());
    case FusedStorage::F16:
      return f(SumOfHalf<stored<FusedStorage::F16>>());
    case FusedStorage::BF16:
      return f(SumOfHalf<stored<FusedStorage::BF16>>());
    case FusedStorage::I32:
    case FusedStorage::U32:
      return f(SumOf<uint32_t>());
    case FusedStorage::I64:
    case FusedStorage::U64:
      return f(SumOf<uint64_t>());
    case FusedStorage::I16:
    case FusedStorage::U16:
      return f(SumOf<uint16_t>());
    default:
      return f(SumOf<uint8_t>());
  }
}

}  // namespace pt::cuda
