// Writing by index. Of several sources for one row the last one counts, whichever thread comes first: a maximum of
// integers says which one that is.
#include "cuda/units.h"
#include "cuda/walk.h"
#include "ops/gather/index.h"
#include "ops/put_rows/cuda_desc.h"

namespace pt::cuda {

PT_DEVICE int64_t row_of(const char* indices, int64_t source, const PutRows& params) {
  using namespace PT_ISA;
  return wrap_index(read_index(indices + source * (params.wide_index ? 8 : 4), params.wide_index), params.axis_size);
}

template <int kBytes>
PT_DEVICE void write_units(const Operands<4>& operands, const PutRows& params) {
  const auto* last = reinterpret_cast<const unsigned long long*>(operands.at[2]);
  const int grain = grain_of(operands.at[1], operands.at[3], kBytes);
  for (int64_t i = global_thread(); i < params.units; i += global_threads()) {
    const Divided at = divide(i, params.row_units);
    const int64_t row = row_of(operands.at[0], at.quotient, params);
    if (row < 0 || last[row] != static_cast<unsigned long long>(at.quotient + 1)) continue;
    move<kBytes>(operands.at[3] + (row * params.row_units.by + at.rest) * kBytes, operands.at[1] + i * kBytes, grain);
  }
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(put_rows_enter, 2, pt::cuda::PutRows, 256) {
  using namespace pt::cuda;
  auto* last = reinterpret_cast<unsigned long long*>(operands.at[1]);
  bool bad = false;
  for (int64_t j = global_thread(); j < params.sources; j += global_threads()) {
    const int64_t row = row_of(operands.at[0], j, params);
    bad |= row < 0;
    if (row >= 0) atomicMax(&last[row], static_cast<unsigned long long>(j + 1));
  }
  if (bad) raise(operands.status, pt::kStatusBadIndex);
}

PT_CUDA_KERNEL(put_rows_write, 4, pt::cuda::PutRows, 256) {
  using namespace pt::cuda;
  with_bytes(params.unit_bytes, [&](auto unit) { write_units<unit.size>(operands, params); });
}
