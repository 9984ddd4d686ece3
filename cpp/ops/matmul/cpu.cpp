// Matrix products. Each chunk is a region of C small enough that its block of A stays in the second cache; the inner
// loop is in tile.h, the canonical order in region.h. Memory: A and B are read once per chunk, C written once.
#include "ops/matmul/amx.h"
#include "ops/matmul/chunk.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {

// Where the rows of a chunk lie in the packed left operand, all of K: [batch][rows of a chunk][block of K][strip].
template <class T>
T* packed_left(const KernelArgs* args, const MatmulDesc& d, int64_t batch, const MatmulChunk& c) {
  if (!d.schedule.share_left) return nullptr;
  return reinterpret_cast<T*>(args->data[d.problem.workspace_at] + d.layout.packed_left) +
         (batch * d.problem.rows + c.row) * d.problem.depth;
}

// The left operand from one of its elements on.
template <class T>
Source left_source(const KernelArgs* args, const MatmulProblem& p, int64_t at) {
  return {args->data[p.left_at] + at * element_size<T>(p.left_type), p.left_type, p.left_row, p.left_k,
          p.pairs ? p.left_odd : kNoPairs};
}

// A chunk packs one block of K of some strips of one row chunk: chunk ((row chunk * parts) + part) * blocks + block.
template <class T>
void pack_left(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulProblem& p = d.problem;
  const int64_t blocks = (p.depth + kBlockDepth - 1) / kBlockDepth;
  const int64_t k = chunk % blocks * kBlockDepth, depth = least(kBlockDepth, p.depth - k);
  const int64_t parts = d.schedule.packing_parts, part = chunk / blocks % parts;
  const MatmulChunk c = region_of(d, chunk / blocks / parts * d.schedule.col_chunks);
  const Strips all(c.rows, kTileRows);
  const int64_t begin = all.count * part / parts, end = all.count * (part + 1) / parts;
  if (begin == end) return;
  const Strips strips = all.before(end).from(begin);
  const int64_t row = all.before(begin).all_rows();
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const int64_t at = batch_offsets(p, batch).left + (c.row + row) * p.left_row + k * p.left_k;
    Source source = left_source<T>(args, p, at);
    source.half_pair = p.half_pair && k + kBlockDepth >= p.depth;
    pack_strips(source, strips, depth, packed_left<T>(args, d, batch, c) + k * c.rows + row * depth);
  }
}

template <class T>
void product(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulProblem& p = d.problem;
  const auto left = [&](int64_t batch, int64_t offset, const MatmulChunk& c) {
    return StridedLeft<T>{left_source<T>(args, p, offset + c.row * p.left_row),
                          c.rows,
                          d.schedule.copy_left,
                          d.schedule.strips,
                          p.pairs,
                          reinterpret_cast<T*>(args->scratch + d.layout.left_block),
                          packed_left<T>(args, d, batch, c),
                          p.half_pair ? p.depth : -1};
  };
  const auto store = [&](const Sums<T>& s, const Target& out, int64_t batch, const MatmulChunk& c) {
    finish_sums(args, d, s, out, batch, c);
  };
  product_chunk<T>(args, d, chunk, left, store);
}

template <class T>
void add_groups(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  add_groups_chunk<T>(args, d, chunk, [&](const Sums<T>& s, const Target& out, int64_t batch, const MatmulChunk& c) {
    finish_sums(args, d, s, out, batch, c);
  });
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(matmul, pt::PT_ISA::product<float>, pt::PT_ISA::product<double>, pt::PT_ISA::add_groups<float>,
           pt::PT_ISA::add_groups<double>, pt::PT_ISA::pack_left<float>, pt::PT_ISA::pack_left<double>,
           pt::PT_ISA::product_amx, pt::PT_ISA::pack_left_amx, pt::PT_ISA::pack_right_amx);
