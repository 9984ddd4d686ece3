// Looks at every element; there is no output.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/check_true/desc.h"
#include "ops/check_true/status.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

void check_true(const KernelArgs* args, int64_t chunk) {
  const CheckTrueDesc& d = *static_cast<const CheckTrueDesc*>(args->desc);
  const int64_t first = chunk * d.chunk, last = least(first + d.chunk, d.space.count);
  const char* holds = args->data[0];
  bool bad = false;
  if (d.space.axes == 1 && d.space.a[0] == 1) {
    for (int64_t i = first; i < last; ++i) bad |= holds[i] == 0;
  } else {
    Walk walk(d.space, first);
    for (int64_t i = first; i < last; ++i, walk.next()) bad |= holds[walk.a] == 0;
  }
  if (bad) raise_status(args->status, kStatusRefused);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(check_true, pt::PT_ISA::check_true);
