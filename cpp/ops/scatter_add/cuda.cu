// Deterministic without atomics on numbers: sources are sorted by destination, which keeps their order, and what goes
// to one element is added up by one thread, in that order: the CPU's, so that sums have its bits.
#include "cuda/walk.h"
#include "ops/gather/index.h"
#include "ops/scatter_add/cuda_desc.h"
#include "ops/scatter_add/cuda_put.h"
#include "ops/scatter_add/cuda_sums.h"
#include "ops/sort/cuda_desc.h"

namespace pt::cuda {

template <class Sum>
PT_DEVICE void scatter_each(const Operands<4>& operands, const ScatterRows& params) {
  using Memory = typename Sum::memory;
  const char* updates = operands.at[0];
  auto* out = reinterpret_cast<Memory*>(operands.at[1]);
  const auto* starts = reinterpret_cast<const int64_t*>(operands.at[2]);
  const auto* entries = reinterpret_cast<const SortEntry*>(operands.at[3]);
  for (int64_t i = global_thread(); i < params.elements; i += global_threads()) {
    const Divided in_row = divide(i, params.width), row = divide(in_row.quotient, params.rows);
    const int64_t begin = starts[row.rest], end = starts[row.rest + 1];
    if (params.accumulate && begin == end) continue;
    auto sum = params.accumulate ? Sum::load(out[i]) : decltype(Sum::load(out[i]))(0);
    const char* from = updates + offsets_of(params.outer, row.quotient).a + offsets_of(params.inner, in_row.rest).a;
#pragma unroll 4
    for (int64_t j = begin; j < end; ++j) {
      const char* update = from + offsets_of(params.index, entries[j].position).b;
      sum = Sum::join(sum, Sum::load(*reinterpret_cast<const Memory*>(update)));
    }
    out[i] = Sum::round(sum);
  }
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(scatter_keys, 2, pt::cuda::ScatterKeys, 256) {
  using namespace pt::cuda;
  using namespace pt::PT_ISA;
  auto* entries = reinterpret_cast<SortEntry*>(operands.at[1]);
  bool bad = false;
  for (int64_t i = global_thread(); i < params.index.elements; i += global_threads()) {
    const char* index = operands.at[0] + offsets_of(params.index, i).a;
    const int64_t to = wrap_index(read_index(index, params.wide_index), params.axis_size);
    entries[i] = {uint64_t(to < 0 ? params.axis_size : to), i};
    bad |= to < 0;
  }
  if (bad) raise(operands.status, pt::kStatusBadIndex);
}

PT_CUDA_KERNEL(scatter_starts, 2, pt::cuda::ScatterStarts, 256) {
  using namespace pt::cuda;
  const auto* entries = reinterpret_cast<const SortEntry*>(operands.at[0]);
  auto* starts = reinterpret_cast<int64_t*>(operands.at[1]);
  for (int64_t row = global_thread(); row <= params.rows; row += global_threads()) {
    int64_t low = 0, high = params.entries;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (entries[middle].key < uint64_t(row))
        low = middle + 1;
      else
        high = middle;
    }
    starts[row] = low;
  }
}

PT_CUDA_KERNEL(scatter_rows, 4, pt::cuda::ScatterRows, 256) {
  using namespace pt::cuda;
  with_sum(params.storage, [&](auto sum) { scatter_each<decltype(sum)>(operands, params); });
}

PT_CUDA_KERNEL(put_keys, 2, pt::cuda::PutKeys, 256) {
  using namespace pt::cuda;
  using namespace pt::PT_ISA;
  auto* entries = reinterpret_cast<SortEntry*>(operands.at[1]);
  bool bad = false;
  for (int64_t i = global_thread(); i < params.updates.elements; i += global_threads()) {
    const char* index = operands.at[0] + offsets_of(params.updates, i).a;
    const int64_t to = wrap_index(read_index(index, params.wide_index), params.axis_size);
    const Divided inner = divide(i, params.width), outer = divide(inner.quotient, params.sources);
    const int64_t element = (outer.quotient * params.axis_size + to) * params.width.by + inner.rest;
    entries[i] = {uint64_t(to < 0 ? params.nowhere : element), i};
    bad |= to < 0;
  }
  if (bad) raise(operands.status, pt::kStatusBadIndex);
}

PT_CUDA_KERNEL(put_lines_sum, 3, pt::cuda::PutLines, 256) {
  using namespace pt::cuda;
  with_sum(params.storage, [&](auto sum) { put_lines<decltype(sum)>(operands, params); });
}

PT_CUDA_KERNEL(put_sorted_sum, 3, pt::cuda::PutSorted, 256) {
  using namespace pt::cuda;
  with_sum(params.storage, [&](auto sum) { put_sorted<decltype(sum)>(operands, params); });
}
