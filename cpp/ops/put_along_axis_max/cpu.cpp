// Every line of the result is written by one thread, its sources in their order: no atomics, and the same bits whoever
// does it.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/fused/memory.h"
#include "ops/gather/index.h"
#include "ops/put_along_axis_max/desc.h"
#include "ops/put_along_axis_max/larger.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

// Below everything: minus infinity, or the smallest integer.
template <class S>
inline typename S::memory lowest() {
  using M = typename S::memory;
  if constexpr (is_real<S>) {
    return S::put(typename S::value(-__builtin_inff()));
  } else {
    constexpr bool is_signed = M(-1) < M(0);
    return is_signed ? M(uint64_t(1) << (8 * sizeof(M) - 1)) : M(0);
  }
}

// One line: `lanes` neighbouring elements of inner, along the whole axis.
template <class S>
bool put_line(const KernelArgs* args, const PutAlongDesc& d, int64_t line) {
  using M = typename S::memory;
  const int64_t outer = line / d.lane_chunks, begin = line % d.lane_chunks * d.lanes;
  const int64_t lanes = least(d.lanes, d.inner.count - begin);
  M* out = reinterpret_cast<M*>(args->data[2]) + outer * d.axis_size * d.inner.count + begin;
  const M none = lowest<S>();
  for (int64_t i = 0; i < d.axis_size; ++i) {
    for (int64_t lane = 0; lane < lanes; ++lane) out[i * d.inner.count + lane] = none;
  }
  const Walk base(d.outer, outer);
  bool bad = false;
  for (int64_t j = 0; j < d.sources; ++j) {
    const char* index = args->data[0] + base.a + j * d.index_stride;
    const char* update = args->data[1] + base.b + j * d.update_stride;
    Walk inner(d.inner, begin);
    for (int64_t lane = 0; lane < lanes; ++lane, inner.next()) {
      const int64_t to = wrap_index(read_index(index + inner.a, d.wide_index), d.axis_size);
      bad |= to < 0;
      if (to < 0) continue;
      M value;
      __builtin_memcpy(&value, update + inner.b, sizeof(value));
      M& best = out[to * d.inner.count + lane];
      if (larger<S>(value, best)) best = value;
    }
  }
  return bad;
}

void put_along_max(const KernelArgs* args, int64_t chunk) {
  const PutMaxDesc& d = *static_cast<const PutMaxDesc*>(args->desc);
  const int64_t last = least((chunk + 1) * d.put.chunk, d.put.lines);
  bool bad = false;
  with_storage(d.storage, [&](auto s) {
    for (int64_t line = chunk * d.put.chunk; line < last; ++line) bad |= put_line<decltype(s)>(args, d.put, line);
  });
  if (bad) raise_status(args->status, kStatusBadIndex);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(put_along_axis_max, pt::PT_ISA::put_along_max);
