// One element of the fused machine: what it is in memory and in a register, and casts between registers.
#pragma once
#include "ops/fused/classes.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

// What an element is in memory and in a register.
template <FusedStorage>
struct stored;
template <class Memory, class Value>
struct stored_as {
  using memory = Memory;
  using value = Value;
  static PT_FN value get(memory m) { return value(m); }
  static PT_FN memory put(value v) { return memory(v); }
};
template <>
struct stored<FusedStorage::Bool> : stored_as<uint8_t, uint8_t> {};
template <>
struct stored<FusedStorage::U8> : stored_as<uint8_t, int32_t> {};
template <>
struct stored<FusedStorage::I8> : stored_as<int8_t, int32_t> {};
template <>
struct stored<FusedStorage::I16> : stored_as<int16_t, int32_t> {};
template <>
struct stored<FusedStorage::I32> : stored_as<int32_t, int32_t> {};
template <>
struct stored<FusedStorage::I64> : stored_as<int64_t, int64_t> {};
template <>
struct stored<FusedStorage::U16> : stored_as<uint16_t, int32_t> {};
template <>
struct stored<FusedStorage::U32> : stored_as<uint32_t, int64_t> {};
template <>
struct stored<FusedStorage::U64> : stored_as<uint64_t, uint64_t> {};
template <>
struct stored<FusedStorage::F32> : stored_as<float, float> {};
template <>
struct stored<FusedStorage::F64> : stored_as<double, double> {};
template <>
struct stored<FusedStorage::F16> {
  using memory = f16;
  using value = float;
  static PT_FN float get(f16 m) { return f16_to_float(m); }
  static PT_FN f16 put(float v) { return float_to_f16(v); }
};
template <>
struct stored<FusedStorage::BF16> {
  using memory = bf16;
  using value = float;
  static PT_FN float get(bf16 m) { return bf16_to_float(m); }
  static PT_FN bf16 put(float v) { return float_to_bf16(v); }
};

template <class S>
constexpr bool is_half = sizeof(typename S::memory) == 2 && sizeof(typename S::value) == 4 &&
                         typename S::value(0.5) != typename S::value(0);
template <class S>
constexpr bool is_plain = sizeof(typename S::memory) == sizeof(typename S::value);

// Calls f(stored<...>()) for the storage.
template <class F>
PT_FN void with_storage(FusedStorage storage, F f) {
  switch (storage) {
    case FusedStorage::Bool:
      return f(stored<FusedStorage::Bool>());
    case FusedStorage::U8:
      return f(stored<FusedStorage::U8>());
    case FusedStorage::I8:
      return f(stored<FusedStorage::I8>());
    case FusedStorage::I16:
      return f(stored<FusedStorage::I16>());
    case FusedStorage::I32:
      return f(stored<FusedStorage::I32>());
    case FusedStorage::I64:
      return f(stored<FusedStorage::I64>());
    case FusedStorage::U16:
      return f(stored<FusedStorage::U16>());
    case FusedStorage::U32:
      return f(stored<FusedStorage::U32>());
    case FusedStorage::U64:
      return f(stored<FusedStorage::U64>());
    case FusedStorage::F16:
      return f(stored<FusedStorage::F16>());
    case FusedStorage::BF16:
      return f(stored<FusedStorage::BF16>());
    case FusedStorage::F32:
      return f(stored<FusedStorage::F32>());
    case FusedStorage::F64:
      return f(stored<FusedStorage::F64>());
  }
}

// A float that the integer cannot hold, NaN too, becomes its minimum, as x86 has it; NEON would saturate.
PT_FN void cast_one(int32_t& to, float x) { to = x >= -0x1p31f && x < 0x1p31f ? int32_t(x) : INT32_MIN; }
PT_FN void cast_one(int32_t& to, double x) { to = x > -2147483649.0 && x < 0x1p31 ? int32_t(x) : INT32_MIN; }
PT_FN void cast_one(int64_t& to, float x) { to = x >= -0x1p63f && x < 0x1p63f ? int64_t(x) : INT64_MIN; }
PT_FN void cast_one(int64_t& to, double x) { to = x >= -0x1p63 && x < 0x1p63 ? int64_t(x) : INT64_MIN; }
// What is below zero goes by way of the signed integer, as x86 has it.
template <class T>
PT_FN uint64_t unsigned_of(T x) {
  int64_t low;
  cast_one(low, x);
  return x >= T(0x1p63) ? (x < T(0x1p64) ? uint64_t(x) : 0) : uint64_t(low);
}
PT_FN void cast_one(uint64_t& to, float x) { to = unsigned_of(x); }
PT_FN void cast_one(uint64_t& to, double x) { to = unsigned_of(x); }
template <class To, class From>
PT_FN void cast_one(To& to, From x) {
  if constexpr (sizeof(To) == 1)
    to = x != From(0);
  else
    to = To(x);
}

}  // namespace PT_ISA
}  // namespace pt
