// Products of bf16 by the tile registers: what their plan and their kernels share.
#pragma once
#include "core/kernel.h"
#include "ops/matmul/desc.h"

namespace pt {

// The order of the sums: within groups of kAmxGroup along K a chain of tile steps (32 numbers, of which the processor
// sums even and odd ones apart), so that a chain has as many links as a block of f32; the groups add ascending.
inline constexpr int64_t kAmxGroup = 8192;
// What is brought to the caches at once, invisible in the sums: 32 columns of so much fill two thirds of a first cache.
inline constexpr int64_t kAmxBlock = 512;
inline constexpr int64_t kAmxStrip = 32;  // rows or columns

inline int64_t amx_strips(int64_t size) { return (size + kAmxStrip - 1) / kAmxStrip; }
// Bytes of an operand of so many rows or columns once it is packed, for so many numbers along K.
inline int64_t amx_bytes(int64_t size, int64_t depth) {
  return amx_strips(size) * amx_strips(depth) * kAmxStrip * kAmxStrip * 2;
}

// Behind the launches of matmul: multiplying; packing all of the left or the right operand for all chunks.
enum AmxVariant : int { kProductAmx = kPackLeftF64 + 1, kPackLeftAmx, kPackRightAmx };

// Strips of an operand that a chunk of a packing launch takes.
inline constexpr int64_t kAmxPackStrips = 8;

namespace PT_ISA {

void product_amx(const KernelArgs* args, int64_t chunk);
void pack_left_amx(const KernelArgs* args, int64_t chunk);
void pack_right_amx(const KernelArgs* args, int64_t chunk);

}  // namespace PT_ISA
}  // namespace pt
