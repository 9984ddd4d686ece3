// One chunk of a product: a region of C for some batch items, or one group of K of it when K is split over chunks.
// Products differ in how they read their left operand and in how they store finished sums; both are arguments here.
#pragma once
#include "core/kernel.h"
#include "ops/all_finite/run.h"
#include "ops/matmul/epilogue.h"
#include "ops/matmul/streamed.h"

namespace pt {
namespace PT_ISA {

// Where a chunk lies.
struct MatmulChunk {
  int64_t group, batch, batch_end, row, rows, col, cols;
  int64_t group_end = 1;
};

// All of K.
inline MatmulChunk region_of(const MatmulDesc& d, int64_t region) {
  const MatmulSchedule& s = d.schedule;
  MatmulChunk c;
  c.group = 0;
  c.col = region % s.col_chunks * s.col_chunk;
  region /= s.col_chunks;
  c.row = region % s.row_chunks * s.row_chunk;
  c.batch = region / s.row_chunks * s.batch_chunk;
  c.batch_end = least(c.batch + s.batch_chunk, d.problem.batches);
  c.rows = least(s.row_chunk, d.problem.rows - c.row);
  c.cols = least(s.col_chunk, d.problem.cols - c.col);
  return c;
}

// Where K is shared: a thread's groups, each with all columns, follow one another in memory, and come before its
// columns of what remains. An odd thread begins with its last chunk (parallel/team.cpp).
inline MatmulChunk part_of_depth(const MatmulDesc& d, int64_t chunk) {
  const MatmulSchedule& s = d.schedule;
  const int64_t of_part = s.part_chunks(), part = chunk / of_part;
  const int64_t at = part % 2 == 0 ? chunk % of_part : of_part - 1 - chunk % of_part;
  const int64_t cols = d.problem.cols;
  MatmulChunk c = {part * s.part_groups + at, 0, 1, 0, d.problem.rows, 0, cols};
  c.group_end = c.group + 1;
  if (at < s.part_groups) return c;
  const int64_t side = (cols + s.depth_parts - 1) / s.depth_parts;
  c.group = s.depth_parts * s.part_groups, c.group_end = s.groups;
  c.col = least(part * side, cols), c.cols = least(side, cols - c.col);
  return c;
}

// The groups of a region follow one another. The last one may be short, and so the threads' parts are of one length.
inline MatmulChunk chunk_of(const MatmulDesc& d, int64_t chunk) {
  if (d.schedule.depth_parts > 0) return part_of_depth(d, chunk);
  MatmulChunk c = region_of(d, chunk / d.schedule.groups);
  c.group = chunk % d.schedule.groups;
  c.group_end = c.group + 1;
  return c;
}

// The same region with the rows and columns of C itself.
inline MatmulChunk in_c(const MatmulDesc& d, const MatmulChunk& c) {
  return d.problem.swapped ? MatmulChunk{c.group, c.batch, c.batch_end, c.col, c.cols, c.row, c.rows} : c;
}

struct MatmulOffsets {
  int64_t left, right, out;
};

inline MatmulOffsets batch_offsets(const MatmulProblem& p, int64_t batch) {
  MatmulOffsets o = {0, 0, 0};
  for (int axis = p.batch_axes - 1; axis >= 0; --axis) {
    const int64_t index = batch % p.batch_extent[axis];
    batch /= p.batch_extent[axis];
    o.left += index * p.left_batch[axis];
    o.right += index * p.right_batch[axis];
    o.out += index * p.out_batch[axis];
  }
  return o;
}

// Workspace of split products: [group][batch][rows][cols].
template <class T>
inline T* group_sums(const MatmulProblem& p, char* workspace, int64_t group, int64_t batch) {
  return reinterpret_cast<T*>(workspace) + (group * p.batches + batch) * p.rows * p.cols;
}

template <class T>
inline Target out_of(const MatmulProblem& p, const KernelArgs* args, int64_t out_offset, const MatmulChunk& c) {
  const int64_t at = out_offset + c.row * p.out_row + c.col * p.out_col;
  return {args->data[p.out_at] + at * element_size<T>(p.out_type), p.out_type, p.out_row, p.out_col};
}

// Where the sums of one batch item are kept.
template <class T>
inline Sums<T> begin_sums(const MatmulDesc& d, const KernelArgs* args, const Target& out) {
  Sums<T> s;
  if (d.schedule.direct) {
    s.sum = reinterpret_cast<T*>(out.at);
    s.sum_row = d.problem.out_row;
  } else {
    s.sum = reinterpret_cast<T*>(args->scratch + d.layout.sums);
    s.sum_row = d.layout.sums_row;
  }
  s.group = d.schedule.grouped ? reinterpret_cast<T*>(args->scratch + d.layout.group_sums) : nullptr;
  s.group_row = d.layout.sums_row;
  if (d.schedule.rounds_in_tiles) s.rounded = reinterpret_cast<uint16_t*>(out.at), s.rounded_row = out.row;
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
  return d.schedule.padded_left ? LeftForm::Pieces : d.schedule.strips ? LeftForm::Strips : LeftForm::Plain;
}

// The group of c, of a split product, or all of K.
template <class T, class MakeLeft, class Store>
inline void product_group(const KernelArgs* args, const MatmulDesc& d, const MatmulChunk& c, MakeLeft make_left,
                          Store store) {
  const MatmulProblem& p = d.problem;
  const bool split = d.schedule.groups > 1;
  const int64_t group_depth = d.schedule.depth_parts > 0 && p.depth <= kGroupDepth ? kBlockDepth : kGroupDepth;
  const int64_t k_begin = split ? c.group * group_depth : 0;
  const int64_t k_end = split ? least(k_begin + group_depth, p.depth) : p.depth;
  const auto multiply = [&](auto& left, StridedRight<T>& right, const Sums<T>& s) {
    d.schedule.stream_right ? multiply_streamed(left, right, c.rows, c.cols, k_begin, k_end, s)
                            : multiply_region(left, right, c.rows, c.cols, k_begin, k_end, s);
  };
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const MatmulOffsets o = batch_offsets(p, batch);
    auto left = make_left(batch, o.left, c);
    const int64_t right_at = (o.right + c.col * p.right_col) * element_size<T>(p.right_type);
    StridedRight<T> right = {
        {args->data[p.right_at] + right_at, p.right_type, p.right_k, p.right_col, p.pairs ? p.right_odd : kNoPairs},
        d.schedule.copy_right,
        reinterpret_cast<T*>(args->scratch + d.layout.right_panel),
        reinterpret_cast<T*>(args->scratch + d.layout.widened),
        panel_width<T>(c.rows, left_form(d)),
        c.cols,
        k_end,
        k_end - k_begin,
        p.half_pair ? p.depth : -1,
        Strips(c.rows, kTileRows).count};
    if (split) {
      T* sum = group_sums<T>(p, args->data[p.workspace_at], c.group, batch) + c.row * p.cols + c.col;
      multiply(left, right, Sums<T>{sum, p.cols, nullptr, 0});
      continue;
    }
    const Target out = out_of<T>(p, args, o.out, c);
    const Sums<T> s = begin_sums<T>(d, args, out);
    if (p.has_epilogue()) {
      const MatmulChunk of_c = in_c(d, c);
      fetch_for_epilogue(args, d, batch, of_c.row, of_c.rows, of_c.col, of_c.cols,
                         [&](const Lines& lines) { right.fetch_after(lines); });
    } else if (is_half(out.type)) {
      right.fetch_after(lines_of_elements(out.at, element_size<T>(out.type), out.row, out.col, c.rows, c.cols));
    }
    multiply(left, right, s);
    if (d.schedule.direct) {
      check_finite(args, d, s, c);
    } else if (!d.schedule.rounds_in_tiles) {
      store(s, out, batch, c);
    }
  }
}

// make_left(batch, offset, chunk) gives the blocks of the left operand; store(sums, out, batch, chunk) puts sums that
// were kept in scratch where they belong.
template <class T, class MakeLeft, class Store>
inline void product_chunk(const KernelArgs* args, const MatmulDesc& d, int64_t chunk, MakeLeft make_left, Store store) {
  MatmulChunk c = chunk_of(d, chunk);
  for (; c.group < c.group_end; ++c.group) product_group<T>(args, d, c, make_left, store);
}

// The second launch of a split product: adds the groups, ascending.
template <class T, class Store>
inline void add_groups_chunk(const KernelArgs* args, const MatmulDesc& d, int64_t region, Store store) {
  const MatmulProblem& p = d.problem;
  const MatmulChunk c = region_of(d, region);
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const Target out = out_of<T>(p, args, batch_offsets(p, batch).out, c);
    const Sums<T> s = begin_sums<T>(d, args, out);
    for (int64_t group = 0; group < d.schedule.groups; ++group) {
      const T* from = group_sums<T>(p, args->data[p.workspace_at], group, batch) + c.row * p.cols + c.col;
      if (group > 0) {
        add_block(from, p.cols, c.rows, c.cols, s.sum, s.sum_row);
      } else {
        store_block(from, p.cols, c.rows, c.cols, {reinterpret_cast<char*>(s.sum), kTypeOf<T>, s.sum_row, 1});
      }
    }
    d.schedule.direct ? check_finite(args, d, s, c) : store(s, out, batch, c);
  }
}

}  // namespace PT_ISA
}  // namespace pt
