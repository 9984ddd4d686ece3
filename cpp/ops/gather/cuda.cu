// Reading by index: neighbouring threads read neighbouring units of a row, and write neighbours.
#include "cuda/units.h"
#include "cuda/walk.h"
#include "ops/gather/cuda_desc.h"
#include "ops/gather/index.h"

namespace pt::cuda {

template <int kBytes>
PT_DEVICE void set_zero(char* to, int grain) {
  alignas(16) constexpr char zeros[kBytes] = {};
  move<kBytes>(to, zeros, grain);
}

template <int kBytes>
PT_DEVICE void gather_each(const Operands<3>& operands, const GatherRows& params) {
  using namespace PT_ISA;
  const int grain = grain_of(operands.at[0], operands.at[2], kBytes);
  bool bad = false;
  for (int64_t i = global_thread(); i < params.units; i += global_threads()) {
    const Divided in_row = divide(i, params.row_units), row = divide(in_row.quotient, params.indices);
    const char* index = operands.at[1] + offsets_of(params.index, row.rest).a;
    const int64_t at = wrap_index(read_index(index, params.wide_index), params.axis_size);
    char* to = operands.at[2] + i * kBytes;
    if (at >= 0) {
      const char* from = operands.at[0] + offsets_of(params.outer, row.quotient).a + at * params.axis_stride;
      move<kBytes>(to, from + offsets_of(params.inner, in_row.rest).a, grain);
    } else {
      set_zero<kBytes>(to, grain);
      bad = true;
    }
  }
  if (bad) raise(operands.status, kStatusBadIndex);
}

template <int kBytes>
PT_DEVICE void take_each(const Operands<3>& operands, const TakeAlong& params) {
  using namespace PT_ISA;
  const int grain = grain_of(operands.at[0], operands.at[2], kBytes);
  bool bad = false;
  for (int64_t i = global_thread(); i < params.axes.elements; i += global_threads()) {
    const Offsets offset = offsets_of(params.axes, i);
    const int64_t at = wrap_index(read_index(operands.at[1] + offset.b, params.wide_index), params.axis_size);
    char* to = operands.at[2] + i * kBytes;
    if (at >= 0)
      move<kBytes>(to, operands.at[0] + offset.a + at * params.axis_stride, grain);
    else
      set_zero<kBytes>(to, grain);
    bad |= at < 0;
  }
  if (bad) raise(operands.status, kStatusBadIndex);
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(gather_rows, 3, pt::cuda::GatherRows, 256) {
  using namespace pt::cuda;
  with_bytes(params.unit_bytes, [&](auto unit) { gather_each<unit.size>(operands, params); });
}

PT_CUDA_KERNEL(take_along, 3, pt::cuda::TakeAlong, 256) {
  using namespace pt::cuda;
  with_bytes(params.element_bytes, [&](auto element) { take_each<element.size>(operands, params); });
}
