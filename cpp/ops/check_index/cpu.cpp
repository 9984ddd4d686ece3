// Looks at every index; there is no output.
#include "core/kernel.h"
#include "ops/check_index/desc.h"
#include "ops/gather/index.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

void check_index(const KernelArgs* args, int64_t chunk) {
  const CheckIndexDesc& d = *static_cast<const CheckIndexDesc*>(args->desc);
  const int64_t first = chunk * d.chunk, end = first + d.chunk;
  const int64_t last = end < d.space.count ? end : d.space.count;
  Walk walk(d.space, first);
  bool bad = false;
  for (int64_t i = first; i < last; ++i, walk.next()) {
    bad |= wrap_index(read_index(args->data[0] + walk.a, d.wide_index), d.axis_size) < 0;
  }
  if (bad) raise_status(args->status, kStatusBadIndex);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(check_index, pt::PT_ISA::check_index);
