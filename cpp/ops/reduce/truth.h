// Whether any or all elements of rows of bytes are true.
#pragma once
#include "ops/reduce/access.h"

namespace pt {
namespace PT_ISA {

// Whether one of n bytes is 0 (kZero) or one is not, looked for a piece at a time: most rows say so early, or never.
template <bool kZero>
PT_FN bool has_byte(const uint8_t* p, int64_t n) {
  constexpr int64_t kPiece = 512;
  int64_t i = 0;
  for (; i + kPiece <= n; i += kPiece) {
    uint8_t found = 0;
    for (int64_t k = 0; k < kPiece; ++k) found |= kZero ? p[i + k] == 0 : p[i + k];
    if (found) return true;
  }
  uint8_t found = 0;
  for (; i < n; ++i) found |= kZero ? p[i] == 0 : p[i];
  return found;
}

static void run_truths(const KernelArgs* args, int64_t chunk) {
  const auto* d = static_cast<const ReduceDesc*>(args->desc);
  const ReduceChunk c = locate(d, chunk);
  for (int64_t outer = c.outer_begin; outer < c.outer_end; ++outer) {
    const auto* row = reinterpret_cast<const uint8_t*>(args->data[0]) + offset_of(d->outer, outer);
    const bool any = d->combine == ReduceCombine::Max;
    args->data[1][outer] = char(any ? has_byte<false>(row, d->n_reduced) : !has_byte<true>(row, d->n_reduced));
  }
}

}  // namespace PT_ISA
}  // namespace pt
