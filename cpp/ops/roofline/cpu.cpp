// The most that this processor can do: multiply-adds that wait for nothing, and copies.
#include "core/kernel.h"
#include "ops/roofline/desc.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {
namespace {

// A chain waits for itself alone; twelve fill two units of latency 5, and leave the last of 16 registers free.
constexpr int kChains = 12;

void multiply_add(const KernelArgs* args, int64_t chunk) {
  using nat = native<float>;
  const RooflineDesc& d = *static_cast<const RooflineDesc*>(args->desc);
  const nat::reg half = nat::fill(0.5f);  // x / 2 + 1 / 2 stays finite and normal
  nat::reg chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = nat::fill(static_cast<float>(i));
  for (int64_t round = 0; round < d.rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = nat::fma(chain[i], half, half);
  }
  nat::reg sum = chain[0];
  for (int i = 1; i < kChains; ++i) sum = nat::add(sum, chain[i]);
  RooflineWork& work = reinterpret_cast<RooflineWork*>(args->data[1])[chunk];
  work.flops = 2.0 * kChains * nat::lanes * static_cast<double>(d.rounds);
  nat::store(work.lanes, sum);
}

void copy(const KernelArgs* args, int64_t chunk) {
  const RooflineDesc& d = *static_cast<const RooflineDesc*>(args->desc);
  const int64_t begin = chunk * d.chunk_bytes;
  const int64_t bytes = d.bytes - begin < d.chunk_bytes ? d.bytes - begin : d.chunk_bytes;
  for (int64_t i = 0; i < d.repeats; ++i) __builtin_memcpy(args->data[1] + begin, args->data[0] + begin, bytes);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(roofline, pt::PT_ISA::multiply_add, pt::PT_ISA::copy);
