// Looks at every element, run by run.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/all_finite/desc.h"
#include "ops/all_finite/run.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

template <class Bits, Bits kExponent>
void all_finite(const KernelArgs* args, int64_t chunk) {
  const AllFiniteDesc& d = *static_cast<const AllFiniteDesc*>(args->desc);
  const int axes = d.space.axes - 1;
  const int64_t stride = d.space.a[axes];
  const int64_t begin = chunk % d.run_chunks * d.chunk;
  const int64_t length = least(d.chunk, d.run - begin);
  const int64_t first = chunk / d.run_chunks * d.runs_per_chunk, last = least(first + d.runs_per_chunk, d.runs);
  Walk walk(d.space, first, axes);
  bool found = false;
  for (int64_t i = first; i < last; ++i, walk.next(axes)) {
    found |= run_has_non_finite<Bits, kExponent>(args->data[0] + walk.a + begin * stride, length, stride);
  }
  if (found) raise_status(args->status, kStatusNonFinite);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(all_finite, (pt::PT_ISA::all_finite<uint32_t, pt::PT_ISA::kExponentF32>),
           (pt::PT_ISA::all_finite<uint64_t, pt::PT_ISA::kExponentF64>), (pt::PT_ISA::all_finite<uint16_t, 0x7c00u>),
           (pt::PT_ISA::all_finite<uint16_t, 0x7f80u>));
