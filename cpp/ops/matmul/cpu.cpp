// Matrix products. Each chunk is a region of C small enough that its block of A stays in the second cache; the inner
// loop is in tile.h, the canonical order in region.h. Memory: A and B are read once per chunk, C written once.
#include "ops/matmul/chunk.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {

template <class T>
void product(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const auto left = [&](int64_t offset, const MatmulChunk& c) {
    const int64_t at = (offset + c.row * d.left_row) * element_size<T>(d.left_type);
    return StridedLeft<T>{{args->data[d.left_at] + at, d.left_type, d.left_row, d.left_k},
                          c.rows,
                          d.copy_left,
                          reinterpret_cast<T*>(args->scratch + d.left_block)};
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
           pt::PT_ISA::add_groups<double>);
