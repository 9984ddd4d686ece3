// Writing by index: whole rows by memcpy. Every chunk reads all indices, which are few beside the rows.
#include "core/kernel.h"
#include "ops/gather/index.h"
#include "ops/put_rows/desc.h"

namespace pt {
namespace PT_ISA {
namespace {

void put_rows(const KernelArgs* args, int64_t chunk) {
  const PutRowsDesc& d = *static_cast<const PutRowsDesc*>(args->desc);
  const char* indices = args->data[0];
  bool bad = false;
  for (int64_t j = 0; j < d.sources; ++j) {
    const int64_t at = wrap_index(read_index(indices + j * (d.wide_index ? 8 : 4), d.wide_index), d.axis_size);
    bad |= at < 0;
    if (at < 0 || at % d.chunks != chunk) continue;
    __builtin_memcpy(args->data[2] + at * d.row_bytes, args->data[1] + j * d.row_bytes, d.row_bytes);
  }
  if (bad) raise_status(args->status, kStatusBadIndex);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(put_rows, pt::PT_ISA::put_rows);
