// Column reductions: a strip of columns is accumulated row by row, eight rows at a time, so that an accumulator is
// loaded and stored once for eight elements of its chain and memory is read once, in order. Sums have the order of a
// product with a row of ones: chains of 256, which add ascending within groups of 4,096, which add ascending.
#include "core/kernel.h"
#include "ops/fused/with_class.h"
#include "ops/reduce/block.h"
#include "ops/reduce/position.h"
#include "ops/reduce/truth.h"
#include "ops/reduce/turned.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct ColumnBuffers {
  T *chain, *group, *total, *converted;
  int64_t padded;
  ColumnBuffers(char* scratch, int64_t strip) {
    padded = (strip + kFusedLanes - 1) / kFusedLanes * kFusedLanes;
    chain = reinterpret_cast<T*>(scratch);
    group = chain + padded;
    total = group + padded;
    converted = total + padded;
  }
};

template <class Op, class T>
static void add_block_converted(const ReduceDesc* d, const char* src, int64_t bytes, int64_t begin, int64_t end,
                                const ReduceChunk& c, const ColumnBuffers<T>& b) {
  add_each_row<Op>(b.chain, end - begin, c.width, [&](int64_t k) {
    const char* at = src + (offset_of(d->reduced, begin + k) + c.column * d->inner_stride) * bytes;
    return fetch<T>(d, at, c.width, d->inner_stride, b.converted + k % kRows * b.padded);
  });
}

// One group of at most kColumnGroup rows; the result is in b.group.
template <class Op, class T>
static void reduce_group(const ReduceDesc* d, const char* src, int64_t bytes, int64_t begin, int64_t end,
                         const ReduceChunk& c, const ColumnBuffers<T>& b) {
  const bool in_place = reads_in_place<T>(d);
  const int64_t stride = d->reduced.count == 1 ? d->reduced.stride[0] : 0;
  for (int64_t block = begin; block < end; block += kColumnBlock) {
    const int64_t block_end = block + kColumnBlock < end ? block + kColumnBlock : end;
    fill_lanes(b.chain, Op::template identity<T>(), b.padded);
    if (in_place) {
      const T* first = reinterpret_cast<const T*>(src) + block * stride + c.column;
      add_block_in_place<Op>(b.chain, first, stride, block_end - block, c.width);
    } else {
      add_block_converted<Op>(d, src, bytes, block, block_end, c, b);
    }
    if (block == begin)
      __builtin_memcpy(b.group, b.chain, size_t(b.padded) * sizeof(T));
    else
      combine_into<Op>(b.group, b.chain, c.width);
  }
}

template <class Op, class T>
static void reduce_columns(const KernelArgs* args, const ReduceDesc* d, int64_t chunk, int64_t bytes) {
  const ReduceChunk c = locate(d, chunk);
  const ColumnBuffers<T> b(args->scratch, d->strip);
  for (int64_t outer = c.outer_begin; outer < c.outer_end; ++outer) {
    const char* src = args->data[0] + offset_of(d->outer, outer) * bytes;
    fill_lanes(b.total, Op::template identity<T>(), b.padded);
    for (int64_t group = c.begin; group < c.end; group += kColumnGroup) {
      reduce_group<Op, T>(d, src, bytes, group, group + kColumnGroup < c.end ? group + kColumnGroup : c.end, c, b);
      if (d->parts > 1) {
        T* partial =
            reinterpret_cast<T*>(args->data[2]) + (group / kColumnGroup * d->n_outer + outer) * d->inner + c.column;
        __builtin_memcpy(partial, b.group, size_t(c.width) * sizeof(T));
      } else {
        combine_into<Op>(b.total, b.group, c.width);
      }
    }
    if (d->parts == 1) put(d, args->data[1], outer * d->inner + c.column, b.total, c.width);
  }
}

// The groups of every column, ascending.
template <class Op, class T>
static void combine_groups(const KernelArgs* args, const ReduceDesc* d, int64_t chunk) {
  constexpr int64_t kPiece = 256;
  const int64_t n = d->n_outer * d->inner, groups = (d->n_reduced + kColumnGroup - 1) / kColumnGroup;
  const int64_t end = (chunk + 1) * kCombineColumns < n ? (chunk + 1) * kCombineColumns : n;
  for (int64_t first = chunk * kCombineColumns; first < end; first += kPiece) {
    const int64_t width = end - first < kPiece ? end - first : kPiece;
    T total[kPiece];
    fill_lanes(total, Op::template identity<T>(), width);
    for (int64_t group = 0; group < groups; ++group) {
      combine_into<Op>(total, reinterpret_cast<const T*>(args->data[2]) + group * n + first, width);
    }
    put(d, args->data[1], first, total, width);
  }
}

static int64_t element_bytes(FusedStorage storage) {
  int64_t bytes = 0;
  with_storage(storage, [&](auto s) { bytes = sizeof(typename decltype(s)::memory); });
  return bytes;
}

static void run_columns(const KernelArgs* args, int64_t chunk) {
  const auto* d = static_cast<const ReduceDesc*>(args->desc);
  with_combine(d->combine, [&](auto op) {
    with_number(d->accumulator, [&](auto zero) {
      reduce_columns<decltype(op), decltype(zero)>(args, d, chunk, element_bytes(d->from));
    });
  });
}
static void run_turned(const KernelArgs* args, int64_t chunk) {
  const auto* d = static_cast<const ReduceDesc*>(args->desc);
  with_combine(d->combine, [&](auto op) {
    with_number(d->accumulator, [&](auto zero) {
      reduce_turned<decltype(op), decltype(zero)>(args, d, chunk, element_bytes(d->from));
    });
  });
}
static void run_combine(const KernelArgs* args, int64_t chunk) {
  const auto* d = static_cast<const ReduceDesc*>(args->desc);
  with_combine(d->combine, [&](auto op) {
    with_number(d->accumulator, [&](auto zero) { combine_groups<decltype(op), decltype(zero)>(args, d, chunk); });
  });
}
static void run_positions(const KernelArgs* args, int64_t chunk) {
  const auto* d = static_cast<const ReduceDesc*>(args->desc);
  with_number(d->accumulator, [&](auto zero) {
    using T = decltype(zero);
    if (d->combine == ReduceCombine::Max)
      positions<true, T>(args, d, chunk, element_bytes(d->from));
    else
      positions<false, T>(args, d, chunk, element_bytes(d->from));
  });
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(reduce, pt::PT_ISA::run_columns, pt::PT_ISA::run_combine, pt::PT_ISA::run_positions, pt::PT_ISA::run_turned,
           pt::PT_ISA::run_truths);
