// Memory moved in units of 1 to 16 bytes: one instruction each where both sides are aligned to the unit, else in parts
// of `grain` bytes, to which both are.
#pragma once
#include "cuda/kernel.h"

namespace pt::cuda {

template <int kBytes>
struct unit;
template <>
struct unit<1> {
  using type = uint8_t;
};
template <>
struct unit<2> {
  using type = uint16_t;
};
template <>
struct unit<4> {
  using type = uint32_t;
};
template <>
struct unit<8> {
  using type = uint2;
};
template <>
struct unit<16> {
  using type = uint4;
};

template <int kBytes>
struct bytes_of {
  static constexpr int size = kBytes;
};
// Calls f(bytes_of<n>()) for 1, 2, 4, 8 or 16 bytes.
template <class F>
PT_DEVICE void with_bytes(int bytes, F f) {
  switch (bytes) {
    case 1:
      return f(bytes_of<1>());
    case 2:
      return f(bytes_of<2>());
    case 4:
      return f(bytes_of<4>());
    case 8:
      return f(bytes_of<8>());
    default:
      return f(bytes_of<16>());
  }
}

PT_DEVICE bool aligned(const void* a, const void* b, int bytes) {
  return ((reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b)) & uintptr_t(bytes - 1)) == 0;
}
// What a pair of addresses lets move at once, of units of `bytes`.
PT_DEVICE int grain_of(const void* a, const void* b, int bytes) {
  while (!aligned(a, b, bytes)) bytes /= 2;
  return bytes;
}

template <int kBytes, int kGrain>
PT_DEVICE void move_parts(char* to, const char* from) {
  using Part = typename unit<kGrain>::type;
#pragma unroll
  for (int i = 0; i < kBytes / kGrain; ++i) {
    reinterpret_cast<Part*>(to)[i] = reinterpret_cast<const Part*>(from)[i];
  }
}

template <int kBytes>
PT_DEVICE void move(char* to, const char* from, int grain) {
  if (grain >= kBytes) return move_parts<kBytes, kBytes>(to, from);
  if constexpr (kBytes > 8) {
    if (grain == 8) return move_parts<kBytes, 8>(to, from);
  }
  if constexpr (kBytes > 4) {
    if (grain == 4) return move_parts<kBytes, 4>(to, from);
  }
  if constexpr (kBytes > 2) {
    if (grain == 2) return move_parts<kBytes, 2>(to, from);
  }
  if constexpr (kBytes > 1) move_parts<kBytes, 1>(to, from);
}

}  // namespace pt::cuda
