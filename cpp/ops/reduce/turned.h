// Rows whose neighbours are neighbours in memory too, as those of a transposed matrix: the elements of some rows that
// have the same place are vectors, and join in the order of a row (ops/fused/row_reduce.h).
#pragma once
#include "ops/reduce/access.h"
#include "ops/reduce/block.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct TurnedBuffers {
  T *lanes, *stack, *converted;
  int64_t width;  // padded
  TurnedBuffers(char* scratch, const ReduceDesc* d) {
    width = (d->strip + kFusedLanes - 1) / kFusedLanes * kFusedLanes;
    lanes = reinterpret_cast<T*>(scratch);
    converted = lanes + kSumLanes * width;
    stack = converted + width;
  }
  T* lane(int64_t k) const { return lanes + k * width; }
};

template <class Op, class T>
PT_FN void combine_all(T* into, const T* a, const T* b, int64_t width) {
  using V = vec<T, 16>;
  for (int64_t i = 0; i < width; i += 16) store(into + i, Op::all(V::load(a + i), V::load(b + i)));
}

// A block of at most kSumBlock elements of each row; the results are in the first lane.
template <class Op, class T>
static void reduce_turned_block(const ReduceDesc* d, const char* src, int64_t bytes, int64_t begin, int64_t end,
                                const ReduceChunk& c, const TurnedBuffers<T>& b) {
  const int64_t used = end - begin < kSumLanes ? end - begin : kSumLanes;  // the others would be the identity
  fill_lanes(b.lanes, Op::template identity<T>(), used * b.width);
  for (int64_t k = begin; k < end; ++k) {
    const char* at = src + (offset_of(d->reduced, k) + c.column * d->inner_stride) * bytes;
    const T* row = fetch<T>(d, at, c.width, d->inner_stride, b.converted);
    add_rows<Op, T, 1>(b.lane((k - begin) % kSumLanes), &row, c.width);
  }
  for (int apart = kSumLanes / 2; apart > 0; apart /= 2)
    for (int k = 0; k < apart && k + apart < used; ++k)
      combine_all<Op>(b.lane(k), b.lane(k), b.lane(k + apart), b.width);
}

template <class Op, class T>
static void reduce_turned(const KernelArgs* args, const ReduceDesc* d, int64_t chunk, int64_t bytes) {
  const ReduceChunk c = locate(d, chunk);
  const TurnedBuffers<T> b(args->scratch, d);
  for (int64_t outer = c.outer_begin; outer < c.outer_end; ++outer) {
    const char* src = args->data[0] + offset_of(d->outer, outer) * bytes;
    T* top = b.stack;  // behind the results of finished blocks, of which as many as a power of two are one
    for (int64_t begin = 0, blocks = 0; begin < d->n_reduced; begin += kSumBlock, ++blocks) {
      const int64_t end = begin + kSumBlock < d->n_reduced ? begin + kSumBlock : d->n_reduced;
      reduce_turned_block<Op, T>(d, src, bytes, begin, end, c, b);
      for (int64_t carry = blocks; carry & 1; carry >>= 1) {
        top -= b.width;
        combine_all<Op>(b.lanes, top, b.lanes, b.width);
      }
      __builtin_memcpy(top, b.lanes, size_t(b.width) * sizeof(T));
      top += b.width;
    }
    for (; top > b.stack + b.width; top -= b.width)
      combine_all<Op>(top - 2 * b.width, top - 2 * b.width, top - b.width, b.width);
    put(d, args->data[1], outer * d->inner + c.column, b.stack, c.width);
  }
}

}  // namespace PT_ISA
}  // namespace pt
