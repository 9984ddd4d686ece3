// Joining what is put to the same place, in order, for any way of joining: Join<storage> has the type in which values
// are joined, load, join and round.
#pragma once
#include "cuda/walk.h"
#include "ops/gather/index.h"
#include "ops/scatter_add/cuda_desc.h"
#include "ops/sort/cuda_desc.h"

namespace pt::cuda {

// out holds what there is before the first source, and is rounded after each: for storages that are joined as they are
// stored, and for single sources.
template <class Join>
PT_DEVICE void put_lines(const Operands<3>& operands, const PutLines& params) {
  using namespace PT_ISA;
  using Memory = typename Join::memory;
  bool bad = false;
  for (int64_t line = global_thread(); line < params.lines; line += global_threads()) {
    const Divided at = divide(line, params.width);
    const Offsets outer = offsets_of(params.outer, at.quotient), inner = offsets_of(params.inner, at.rest);
    const char* index = operands.at[0] + outer.a + inner.a;
    const char* update = operands.at[1] + outer.b + inner.b;
    Memory* out =
        reinterpret_cast<Memory*>(operands.at[2]) + at.quotient * params.axis_size * params.width.by + at.rest;
    for (int64_t j = 0; j < params.sources; ++j, index += params.index_stride, update += params.update_stride) {
      const int64_t to = wrap_index(read_index(index, params.wide_index), params.axis_size);
      bad |= to < 0;
      if (to < 0) continue;
      Memory& place = out[to * params.width.by];
      place = Join::round(Join::join(Join::load(place), Join::load(*reinterpret_cast<const Memory*>(update))));
    }
  }
  if (bad) raise(operands.status, kStatusBadIndex);
}

// The thread of the first entry of a destination takes them all.
template <class Join>
PT_DEVICE void put_sorted(const Operands<3>& operands, const PutSorted& params) {
  using Memory = typename Join::memory;
  const auto* entries = reinterpret_cast<const SortEntry*>(operands.at[0]);
  auto* out = reinterpret_cast<Memory*>(operands.at[2]);
  const int64_t n = params.updates.elements;
  for (int64_t i = global_thread(); i < n; i += global_threads()) {
    const uint64_t to = entries[i].key;
    if (to == uint64_t(params.nowhere) || (i > 0 && entries[i - 1].key == to)) continue;
    auto joined = Join::load(out[to]);
    for (int64_t j = i; j < n && entries[j].key == to; ++j) {
      const char* update = operands.at[1] + offsets_of(params.updates, entries[j].position).b;
      joined = Join::join(joined, Join::load(*reinterpret_cast<const Memory*>(update)));
    }
    out[to] = Join::round(joined);
  }
}

}  // namespace pt::cuda
