// Casts of the fused machine: plain loops, which gcc vectorises alike for every instruction set.
#pragma once
#include "ops/fused/memory.h"

namespace pt {
namespace PT_ISA {

// A float that the integer cannot hold, NaN too, becomes its minimum, as x86 has it; NEON would saturate.
PT_FN void cast_one(int32_t& to, float x) { to = x >= -0x1p31f && x < 0x1p31f ? int32_t(x) : INT32_MIN; }
PT_FN void cast_one(int32_t& to, double x) { to = x > -2147483649.0 && x < 0x1p31 ? int32_t(x) : INT32_MIN; }
PT_FN void cast_one(int64_t& to, float x) { to = x >= -0x1p63f && x < 0x1p63f ? int64_t(x) : INT64_MIN; }
PT_FN void cast_one(int64_t& to, double x) { to = x >= -0x1p63 && x < 0x1p63 ? int64_t(x) : INT64_MIN; }
template <class To, class From>
PT_FN void cast_one(To& to, From x) {
  if constexpr (sizeof(To) == 1)
    to = x != From(0);
  else
    to = To(x);
}

template <class To, class From>
void cast_loop(char* dst, const char* src, int64_t n) {
  auto* to = reinterpret_cast<To*>(dst);
  auto* from = reinterpret_cast<const From*>(src);
  for (int64_t i = 0; i < n; ++i) cast_one(to[i], from[i]);
}

using CastFn = void (*)(char* dst, const char* src, int64_t n);
// [from][to], in the order of FusedClass.
static const CastFn kCasts[kFusedClasses][kFusedClasses] = {
    {cast_loop<float, float>, cast_loop<double, float>, cast_loop<int32_t, float>, cast_loop<int64_t, float>,
     cast_loop<uint8_t, float>},
    {cast_loop<float, double>, cast_loop<double, double>, cast_loop<int32_t, double>, cast_loop<int64_t, double>,
     cast_loop<uint8_t, double>},
    {cast_loop<float, int32_t>, cast_loop<double, int32_t>, cast_loop<int32_t, int32_t>, cast_loop<int64_t, int32_t>,
     cast_loop<uint8_t, int32_t>},
    {cast_loop<float, int64_t>, cast_loop<double, int64_t>, cast_loop<int32_t, int64_t>, cast_loop<int64_t, int64_t>,
     cast_loop<uint8_t, int64_t>},
    {cast_loop<float, uint8_t>, cast_loop<double, uint8_t>, cast_loop<int32_t, uint8_t>, cast_loop<int64_t, uint8_t>,
     cast_loop<uint8_t, uint8_t>},
};

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
