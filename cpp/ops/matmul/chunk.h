// One chunk of a product: a region of C for some batch items, or one group of K of it when K is split over chunks.
// Products differ in how they read their left operand and in how they store finished sums; both are arguments here.
#pragma once
#include "core/kernel.h"
#include "ops/all_finite/run.h"
#include "ops/matmul/epilogue.h"

namespace pt {
namespace PT_ISA {

// Where a chunk lies.
struct MatmulChunk {
  int64_t group, batch, batch_end, row, rows, col, cols;
};

inline MatmulChunk chunk_of(const MatmulDesc& d, int64_t chunk) {
  MatmulChunk c;
  c.col = chunk % d.col_chunks * d.col_chunk;
  chunk /= d.col_chunks;
  c.row = chunk % d.row_chunks * d.row_chunk;
  chunk /= d.row_chunks;
  c.batch = chunk % d.batch_chunks * d.batch_chunk;
  c.group = chunk / d.batch_chunks;
  c.batch_end = least(c.batch + d.batch_chunk, d.batches);
  c.rows = least(d.row_chunk, d.rows - c.row);
  c.cols = least(d.col_chunk, d.cols - c.col);
  return c;
}

// The same region with the rows and columns of C itself.
inline MatmulChunk in_c(const MatmulDesc& d, const MatmulChunk& c) {
  return d.swapped ? MatmulChunk{c.group, c.batch, c.batch_end, c.col, c.cols, c.row, c.rows} : c;
}

struct MatmulOffsets {
  int64_t left, right, out;
};

inline MatmulOffsets batch_offsets(const MatmulDesc& d, int64_t batch) {
  MatmulOffsets o = {0, 0, 0};
  for (int axis = d.batch_axes - 1; axis >= 0; --axis) {
    const int64_t index = batch % d.batch_extent[axis];
    batch /= d.batch_extent[axis];
    o.left += index * d.left_batch[axis];
    o.right += index * d.right_batch[axis];
    o.out += index * d.out_batch[axis];
  }
  return o;
}

template <class T>
inline int64_t element_size(DType type) {
  return is_half(type) ? 2 : static_cast<int64_t>(sizeof(T));
}

// Workspace of split products: [group][batch][rows][cols].
template <class T>
inline T* group_sums(const MatmulDesc& d, char* workspace, int64_t group, int64_t batch) {
  return reinterpret_cast<T*>(workspace) + (group * d.batches + batch) * d.rows * d.cols;
}

template <class T>
inline Target out_of(const MatmulDesc& d, const KernelArgs* args, int64_t out_offset, const MatmulChunk& c) {
  const int64_t at = out_offset + c.row * d.out_row + c.col * d.out_col;
  return {args->data[d.out_at] + at * element_size<T>(d.out_type), d.out_type, d.out_row, d.out_col};
}

// Where the sums of one batch item are kept; sums in scratch that continue C begin with its value.
template <class T>
inline Sums<T> begin_sums(const MatmulDesc& d, const KernelArgs* args, const Target& out, const MatmulChunk& c) {
  Sums<T> s;
  s.started = d.accumulate;
  if (d.direct) {
    s.sum = reinterpret_cast<T*>(out.at);
    s.sum_row = d.out_row;
  } else {
    s.sum = reinterpret_cast<T*>(args->scratch + d.sums);
    s.sum_row = d.sums_row;
    if (d.accumulate)
      load_block({out.at, out.type, out.row, out.col}, c.rows, c.cols, s.sum, s.sum_row, static_cast<T*>(nullptr));
  }
  s.group = d.grouped ? reinterpret_cast<T*>(args->scratch + d.group_sums) : nullptr;
  s.group_row = d.sums_row;
  if (d.rounds_in_tiles) s.rounded = reinterpret_cast<uint16_t*>(out.at), s.rounded_row = out.row;
  return s;
}

// Of finished sums, where they are kept.
template <class T>
inline void check_finite(const KernelArgs* args, const MatmulDesc& d, const Sums<T>& s, const MatmulChunk& c) {
  if (!d.checks_finite) return;
  bool found = false;
  for (int64_t i = 0; i < c.rows; ++i) {
    const char* row = reinterpret_cast<const char*>(s.sum + i * s.sum_row);
    if constexpr (sizeof(T) == sizeof(float)) {
      found |= run_has_non_finite<uint32_t, kExponentF32>(row, c.cols, sizeof(T));
    } else {
      found |= run_has_non_finite<uint64_t, kExponentF64>(row, c.cols, sizeof(T));
    }
  }
  if (found) raise_status(args->status, kStatusNonFinite);
}

inline LeftForm left_form(const MatmulDesc& d) {
  return d.padded_left ? LeftForm::Pieces : d.strips ? LeftForm::Strips : LeftForm::Plain;
}

// make_left(batch, offset, chunk) gives the blocks of the left operand; store(sums, out, batch, chunk) puts sums that
// were kept in scratch where they belong.
template <class T, class MakeLeft, class Store>
inline void product_chunk(const KernelArgs* args, const MatmulDesc& d, int64_t chunk, MakeLeft make_left, Store store) {
  const MatmulChunk c = chunk_of(d, chunk);
  const int64_t k_begin = d.groups > 1 ? c.group * kGroupDepth : 0;
  const int64_t k_end = d.groups > 1 ? least(k_begin + kGroupDepth, d.depth) : d.depth;
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const MatmulOffsets o = batch_offsets(d, batch);
    auto left = make_left(batch, o.left, c);
    const int64_t right_at = (o.right + c.col * d.right_col) * element_size<T>(d.right_type);
    StridedRight<T> right = {
        {args->data[d.right_at] + right_at, d.right_type, d.right_k, d.right_col, d.pairs ? d.right_odd : kNoPairs},
        d.copy_right,
        reinterpret_cast<T*>(args->scratch + d.right_panel),
        reinterpret_cast<T*>(args->scratch + d.widened),
        panel_width<T>(c.rows, left_form(d)),
        c.cols,
        k_end,
        k_end - k_begin,
        d.half_pair ? d.depth : -1,
        Strips(c.rows, kTileRows).count};
    if (d.groups > 1) {
      T* sum = group_sums<T>(d, args->data[d.workspace_at], c.group, batch) + c.row * d.cols + c.col;
      multiply_region(left, right, c.rows, c.cols, k_begin, k_end, Sums<T>{sum, d.cols, nullptr, 0, false});
      continue;
    }
    const Target out = out_of<T>(d, args, o.out, c);
    const Sums<T> s = begin_sums<T>(d, args, out, c);
    if (d.epilogue) {
      const MatmulChunk of_c = in_c(d, c);
      fetch_for_epilogue(args, d, batch, of_c.row, of_c.rows, of_c.col, of_c.cols,
                         [&](const Lines& lines) { right.fetch_after(lines); });
    } else if (is_half(out.type)) {
      right.fetch_after(lines_of_elements(out.at, element_size<T>(out.type), out.row, out.col, c.rows, c.cols));
    }
    multiply_region(left, right, c.rows, c.cols, k_begin, k_end, s);
    if (d.direct) {
      check_finite(args, d, s, c);
    } else if (!d.rounds_in_tiles) {
      store(s, out, batch, c);
    }
  }
}

// The second launch of a split product: adds the groups, ascending.
template <class T, class Store>
inline void add_groups_chunk(const KernelArgs* args, const MatmulDesc& d, int64_t chunk, Store store) {
  const MatmulChunk c = chunk_of(d, chunk);
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const Target out = out_of<T>(d, args, batch_offsets(d, batch).out, c);
    const Sums<T> s = begin_sums<T>(d, args, out, c);
    for (int64_t group = 0; group < d.groups; ++group) {
      const T* from = group_sums<T>(d, args->data[d.workspace_at], group, batch) + c.row * d.cols + c.col;
      if (group > 0 || s.started) {
        add_block(from, d.cols, c.rows, c.cols, s.sum, s.sum_row);
      } else {
        store_block(from, d.cols, c.rows, c.cols, {reinterpret_cast<char*>(s.sum), kTypeOf<T>, s.sum_row, 1});
      }
    }
    d.direct ? check_finite(args, d, s, c) : store(s, out, batch, c);
  }
}

}  // namespace PT_ISA
}  // namespace pt
