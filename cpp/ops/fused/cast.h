// Casts of the fused machine: plain loops, which gcc vectorises alike for every instruction set.
#pragma once
#include "ops/fused/memory.h"
#include "simd/round_to_odd.h"

namespace pt {
namespace PT_ISA {

template <class To, class From>
void cast_loop(char* dst, const char* src, int64_t n) {
  auto* to = reinterpret_cast<To*>(dst);
  auto* from = reinterpret_cast<const From*>(src);
  for (int64_t i = 0; i < n; ++i) cast_one(to[i], from[i]);
}

using CastFn = void (*)(char* dst, const char* src, int64_t n);
// [from][to], in the order of FusedClass.
#define PT_CASTS(From)                                                                                   \
  {                                                                                                      \
    cast_loop<float, From>, cast_loop<double, From>, cast_loop<int32_t, From>, cast_loop<int64_t, From>, \
        cast_loop<uint8_t, From>, cast_loop<uint64_t, From>                                              \
  }
static const CastFn kCasts[kFusedClasses][kFusedClasses] = {PT_CASTS(float),   PT_CASTS(double),  PT_CASTS(int32_t),
                                                            PT_CASTS(int64_t), PT_CASTS(uint8_t), PT_CASTS(uint64_t)};
#undef PT_CASTS

// To 16 bits: as floats that round_to_storage() then rounds.
template <class From>
void cast_loop_to_odd(char* dst, const char* src, int64_t n) {
  auto* to = reinterpret_cast<float*>(dst);
  auto* from = reinterpret_cast<const From*>(src);
  for (int64_t i = 0; i < n; ++i) to[i] = round_to_odd(from[i]);
}
static const CastFn kCastsToHalf[kFusedClasses] = {cast_loop_to_odd<float>,   cast_loop_to_odd<double>,
                                                   cast_loop_to_odd<int32_t>, cast_loop_to_odd<int64_t>,
                                                   cast_loop_to_odd<uint8_t>, cast_loop_to_odd<uint64_t>};

// Rounds a block to what its storage can hold, as storing and loading it would.
inline void round_to_storage(FusedStorage storage, char* block, int64_t n) {
  with_storage(storage, [&](auto s) {
    using S = decltype(s);
    if constexpr (!is_plain<S>) {
      auto* values = reinterpret_cast<typename S::value*>(block);
      for (int64_t i = 0; i < n; i += kFusedLanes) {
        typename S::memory narrow[kFusedLanes];
        store_run<S>(narrow, values + i, kFusedLanes);
        load_run<S>(values + i, narrow, kFusedLanes);
      }
    }
  });
}

}  // namespace PT_ISA
}  // namespace pt
