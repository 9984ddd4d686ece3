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
  if (!d.share_left) return nullptr;
  return reinterpret_cast<T*>(args->data[d.workspace_at] + d.packed_left) + (batch * d.rows + c.row) * d.depth;
}

// A chunk packs one block of K of one row chunk.
template <class T>
void pack_left(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const int64_t blocks = (d.depth + kBlockDepth - 1) / kBlockDepth;
  const int64_t k = chunk % blocks * kBlockDepth;
  const MatmulChunk c = chunk_of(d, chunk / blocks * d.col_chunks);
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const int64_t at = batch_offsets(d, batch).left + c.row * d.left_row + k * d.left_k;
    Source source = {args->data[d.left_at] + at * element_size<T>(d.left_type), d.left_type, d.left_row, d.left_k,
                     d.pairs ? d.left_odd : kNoPairs};
    source.half_pair = d.half_pair && k + kBlockDepth >= d.depth;
    pack_strips(source, c.rows, least(kBlockDepth, d.depth - k), packed_left<T>(args, d, batch, c) + k * c.rows);
  }
}

template <class T>
void product(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const auto left = [&](int64_t batch, int64_t offset, const MatmulChunk& c) {
    const int64_t at = (offset + c.row * d.left_row) * element_size<T>(d.left_type);
    return StridedLeft<T>{
        {args->data[d.left_at] + at, d.left_type, d.left_row, d.left_k, d.pairs ? d.left_odd : kNoPairs},
        c.rows,
        d.copy_left,
        d.strips,
        d.pairs,
        reinterpret_cast<T*>(args->scratch + d.left_block),
        packed_left<T>(args, d, batch, c),
        d.half_pair ? d.depth : -1};
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
