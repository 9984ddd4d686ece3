// Many f32 rounded to bf16, as weights at the beginning of a step: memory is the limit, so the result goes past the
// caches. Other casts are programs of the fused machine.
#include "core/kernel.h"
#include "ops/astype/desc.h"
#include "ops/matmul/half.h"
#include "simd/stream.h"

namespace pt {
namespace PT_ISA {
namespace {

void round_to_bf16(const KernelArgs* args, int64_t chunk) {
  constexpr int64_t kOfLine = kStreamLine / static_cast<int64_t>(sizeof(uint16_t));
  const CastDesc& d = *static_cast<const CastDesc*>(args->desc);
  const int64_t begin = chunk * kCastChunk, left = d.elements - begin, n = left < kCastChunk ? left : kCastChunk;
  const float* from = reinterpret_cast<const float*>(args->data[0]) + begin;
  uint16_t* to = reinterpret_cast<uint16_t*>(args->data[1]) + begin;
  int64_t i = 0;
  if (kStreams && whole_lines(to, 0)) {
    for (; i + kOfLine <= n; i += kOfLine) stream_bf16(from + i, to + i);
    stream_fence();
  }
  round_row<BFloat16>(from + i, n - i, to + i, 1);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(astype, pt::PT_ISA::round_to_bf16);
