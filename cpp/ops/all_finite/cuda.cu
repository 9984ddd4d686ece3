// Looks at every element, 16 bytes at a time where they follow each other.
#include "cuda/units.h"
#include "cuda/walk.h"
#include "ops/all_finite/cuda_desc.h"

namespace pt::cuda {

template <int kBytes>
PT_DEVICE bool non_finite(const char* at, int grain, const AllFinite& params) {
  alignas(16) uint32_t word[(kBytes + 3) / 4] = {};
  move<kBytes>(reinterpret_cast<char*>(word), at, grain);
  if constexpr (kBytes == 2) return (word[0] & params.lower) == params.lower;
  const int step = params.units.element_bytes == 8 ? 2 : 1;
  bool found = false;
#pragma unroll
  for (int i = 0; i < kBytes / 4; ++i) {
    const bool here =
        (word[i] & params.upper) == params.upper || (params.lower != 0 && (word[i] & params.lower) == params.lower);
    found |= here && i % step == step - 1;
  }
  return found;
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(all_finite, 1, pt::cuda::AllFinite, 256) {
  using namespace pt::cuda;
  const Units& units = params.units;
  const char* in = operands.at[0];
  bool found = false;
  with_bytes(units.unit_bytes, [&](auto unit) {
    const int grain = grain_of(in, in, unit.size);
    for (int64_t i = global_thread(); i < units.axes.elements; i += global_threads())
      found |= non_finite<unit.size>(in + offsets_of(units.axes, i).a, grain, params);
  });
  with_bytes(units.element_bytes, [&](auto element) {
    if (global_thread() < units.tail)
      found |= non_finite<element.size>(in + units.tail_at + global_thread() * element.size, element.size, params);
  });
  if (__syncthreads_or(found) && threadIdx.x == 0) raise(operands.status, pt::kStatusNonFinite);
}
