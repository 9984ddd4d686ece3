// Matrix products. Each chunk is a region of C small enough that its block of A stays in the second cache; the inner
// loop is in tile.h, the canonical order in region.h. Memory: A and B are read once per chunk, C written once.
#include "core/kernel.h"
#include "ops/matmul/region.h"

namespace pt {
namespace PT_ISA {

// Where a chunk lies.
struct MatmulChunk {
  int64_t group, batch, batch_end, row, rows, col, cols;
};

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

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
  return {args->data[2] + at * element_size<T>(d.out_type), d.out_type, d.out_row, d.out_col};
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
  return s;
}

template <class T>
void product(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulChunk c = chunk_of(d, chunk);
  const char* left = args->data[d.swapped ? 1 : 0];
  const char* right = args->data[d.swapped ? 0 : 1];
  const int64_t k_begin = d.groups > 1 ? c.group * kGroupDepth : 0;
  const int64_t k_end = d.groups > 1 ? least(k_begin + kGroupDepth, d.depth) : d.depth;
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const MatmulOffsets o = batch_offsets(d, batch);
    StridedLeft<T> a = {
        {left + (o.left + c.row * d.left_row) * element_size<T>(d.left_type), d.left_type, d.left_row, d.left_k},
        c.rows,
        d.copy_left,
        reinterpret_cast<T*>(args->scratch + d.left_block)};
    StridedRight<T> b = {
        {right + (o.right + c.col * d.right_col) * element_size<T>(d.right_type), d.right_type, d.right_k, d.right_col},
        d.copy_right,
        reinterpret_cast<T*>(args->scratch + d.right_panel),
        reinterpret_cast<T*>(args->scratch + d.widened)};
    if (d.groups > 1) {
      T* sum = group_sums<T>(d, args->data[3], c.group, batch) + c.row * d.cols + c.col;
      multiply_region(a, b, c.rows, c.cols, k_begin, k_end, Sums<T>{sum, d.cols, nullptr, 0, false});
      continue;
    }
    const Target out = out_of<T>(d, args, o.out, c);
    const Sums<T> s = begin_sums<T>(d, args, out, c);
    multiply_region(a, b, c.rows, c.cols, k_begin, k_end, s);
    if (!d.direct) store_block(s.sum, s.sum_row, c.rows, c.cols, out);
  }
}

// The second launch of a split product: adds the groups, ascending.
template <class T>
void add_groups(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulChunk c = chunk_of(d, chunk);
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const Target out = out_of<T>(d, args, batch_offsets(d, batch).out, c);
    const Sums<T> s = begin_sums<T>(d, args, out, c);
    for (int64_t group = 0; group < d.groups; ++group) {
      const T* from = group_sums<T>(d, args->data[3], group, batch) + c.row * d.cols + c.col;
      if (group > 0 || s.started) {
        add_block(from, d.cols, c.rows, c.cols, s.sum, s.sum_row);
      } else {
        store_block(from, d.cols, c.rows, c.cols, {reinterpret_cast<char*>(s.sum), kTypeOf<T>, s.sum_row, 1});
      }
    }
    if (!d.direct) store_block(s.sum, s.sum_row, c.rows, c.cols, out);
  }
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(matmul, pt::PT_ISA::product<float>, pt::PT_ISA::product<double>, pt::PT_ISA::add_groups<float>,
           pt::PT_ISA::add_groups<double>);
