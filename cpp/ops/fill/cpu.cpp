// Stores only: a chunk is a stretch of one piece, found by counting the chunks of the pieces before it.
#include "core/kernel.h"
#include "ops/fill/desc.h"

namespace pt {
namespace PT_ISA {
namespace {

void fill(const KernelArgs* args, int64_t chunk) {
  const FillDesc& d = *static_cast<const FillDesc*>(args->desc);
  const FillPiece* piece = d.list();
  for (; piece < d.list() + d.pieces; ++piece) {
    const int64_t chunks = (piece->bytes + d.chunk_bytes - 1) / d.chunk_bytes;
    if (chunk < chunks) break;
    chunk -= chunks;
  }
  const int64_t begin = chunk * d.chunk_bytes;
  const int64_t bytes = piece->bytes - begin < d.chunk_bytes ? piece->bytes - begin : d.chunk_bytes;
  // Chunks and pieces begin at whole elements, so the pattern always starts anew.
  char* at = args->data[0] + piece->offset + begin;
  int64_t i = 0;
  for (; i + 8 <= bytes; i += 8) __builtin_memcpy(at + i, &d.pattern, 8);
  __builtin_memcpy(at + i, &d.pattern, static_cast<unsigned long>(bytes - i));
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(fill, pt::PT_ISA::fill);
