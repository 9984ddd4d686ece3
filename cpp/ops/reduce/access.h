// What a chunk of a reduction works on, and its elements as accumulators see them.
#pragma once
#include "core/kernel.h"
#include "ops/fused/memory.h"
#include "ops/fused/row_reduce.h"
#include "ops/reduce/desc.h"

namespace pt {
namespace PT_ISA {

static int64_t offset_of(const ReduceAxes& axes, int64_t index) {
  if (axes.count == 1) return index * axes.stride[0];
  int64_t offset = 0;
  for (int axis = axes.count - 1; axis >= 0; --axis) {
    offset += index % axes.extent[axis] * axes.stride[axis];
    index /= axes.extent[axis];
  }
  return offset;
}

template <class T>
constexpr FusedStorage storage_for() {
  if constexpr (T(0.5) != T(0))
    return sizeof(T) == 4 ? FusedStorage::F32 : FusedStorage::F64;
  else if constexpr (T(-1) > T(0))
    return FusedStorage::U64;
  else
    return sizeof(T) == 4 ? FusedStorage::I32 : FusedStorage::I64;
}

// n elements as accumulators see them: in place where they are that already.
template <class T>
static const T* fetch(const ReduceDesc* d, const char* src, int64_t n, int64_t stride, T* converted) {
  if (d->from == storage_for<T>() && stride == 1 && !d->truth) return reinterpret_cast<const T*>(src);
  with_storage(d->from, [&](auto s) {
    using S = decltype(s);
    auto* memory = reinterpret_cast<const typename S::memory*>(src);
    if (d->truth) {
      for (int64_t i = 0; i < n; ++i) converted[i] = T(S::get(memory[i * stride]) != typename S::value(0));
    } else {
      for (int64_t i = 0; i < n; ++i) converted[i] = T(S::get(memory[i * stride]));
    }
  });
  return converted;
}

// The elements of a result from `first` on.
template <class T>
static void put(const ReduceDesc* d, char* out, int64_t first, const T* values, int64_t n) {
  with_storage(d->to, [&](auto s) {
    using S = decltype(s);
    auto* memory = reinterpret_cast<typename S::memory*>(out) + first;
    if (d->truth) {
      // Of no elements the extremes are the lowest and the highest number, which are false and true.
      for (int64_t i = 0; i < n; ++i) memory[i] = S::put(typename S::value(values[i] > T(0)));
    } else {
      for (int64_t i = 0; i < n; ++i) memory[i] = S::put(typename S::value(values[i]));
    }
  });
}

// Whether rows are accumulators as they lie, evenly apart.
template <class T>
static bool reads_in_place(const ReduceDesc* d) {
  return d->from == storage_for<T>() && d->inner_stride == 1 && !d->truth && d->reduced.count <= 1;
}

// What a chunk works on.
struct ReduceChunk {
  int64_t outer_begin, outer_end, column, width, begin, end;
};
static ReduceChunk locate(const ReduceDesc* d, int64_t chunk) {
  const int64_t strips = (d->inner + d->strip - 1) / d->strip;
  const int64_t part = chunk % d->parts, strip = chunk / d->parts % strips, block = chunk / d->parts / strips;
  ReduceChunk c;
  c.begin = part * d->part;
  c.end = c.begin + d->part < d->n_reduced ? c.begin + d->part : d->n_reduced;
  c.column = strip * d->strip;
  c.width = d->inner - c.column < d->strip ? d->inner - c.column : d->strip;
  c.outer_begin = block * d->outer_per_chunk;
  c.outer_end = c.outer_begin + d->outer_per_chunk < d->n_outer ? c.outer_begin + d->outer_per_chunk : d->n_outer;
  return c;
}

}  // namespace PT_ISA
}  // namespace pt
