// Deterministic without atomics: the sources are sorted by destination (a counting sort, which keeps their order), and
// every destination row is added up by one thread, in that order, whichever thread that is.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/gather/index.h"
#include "ops/scatter_add/desc.h"
#include "simd/stream.h"
#include "simd/vec.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

// How a dtype is stored and in what it adds up. Integers wrap, so they add as unsigned.
template <class S, class A>
struct plain {
  using stored = S;
  using sum = A;
  static inline sum load(stored value) { return static_cast<sum>(value); }
  static inline stored round(sum value) { return static_cast<stored>(value); }
};
struct half_f16 {
  using stored = f16;
  using sum = float;
  static inline sum load(stored value) { return f16_to_float(value); }
  static inline stored round(sum value) { return float_to_f16(value); }
};
struct half_bf16 {
  using stored = bf16;
  using sum = float;
  static inline sum load(stored value) { return bf16_to_float(value); }
  static inline stored round(sum value) { return float_to_bf16(value); }
};
template <class D>
inline constexpr bool kRoundsAtEnd = sizeof(typename D::stored) < sizeof(typename D::sum);

// workspace: starts[axis_size + 2], then the sources in the order of their destinations.
void sort_sources(const KernelArgs* args, int64_t) {
  const ScatterAddDesc& d = *static_cast<const ScatterAddDesc*>(args->desc);
  int64_t* starts = reinterpret_cast<int64_t*>(args->data[3]);
  int64_t* sources = starts + d.axis_size + 2;
  __builtin_memset(starts, 0, (d.axis_size + 2) * sizeof(int64_t));
  bool bad = false;
  Walk count(d.index, 0);
  for (int64_t j = 0; j < d.index.count; ++j, count.next()) {
    const int64_t to = wrap_index(read_index(args->data[0] + count.a, d.wide_index), d.axis_size);
    if (to >= 0) ++starts[to + 2];
    bad |= to < 0;
  }
  for (int64_t row = 0; row < d.axis_size; ++row) starts[row + 2] += starts[row + 1];
  // Until a row's sources are placed, its start is one place further along; placing them moves it to where it belongs.
  Walk place(d.index, 0);
  for (int64_t j = 0; j < d.index.count; ++j, place.next()) {
    const int64_t to = wrap_index(read_index(args->data[0] + place.a, d.wide_index), d.axis_size);
    if (to >= 0) sources[starts[to + 1]++] = j;
  }
  if (bad) raise_status(args->status, kStatusBadIndex);
}

template <class D>
void add_piece(typename D::sum* __restrict sum, const ScatterAddDesc& d, const char* source, int64_t begin, int64_t n) {
  using S = typename D::stored;
  if (d.contiguous) {
    const S* values = reinterpret_cast<const S*>(source) + begin;
    for (int64_t i = 0; i < n; ++i) sum[i] += D::load(values[i]);
    return;
  }
  Walk inner(d.inner, begin);
  for (int64_t i = 0; i < n; ++i, inner.next()) sum[i] += D::load(*reinterpret_cast<const S*>(source + inner.a));
}

template <class D>
void scatter_rows(const KernelArgs* args, int64_t chunk) {
  using S = typename D::stored;
  using A = typename D::sum;
  const ScatterAddDesc& d = *static_cast<const ScatterAddDesc*>(args->desc);
  const int64_t* starts = reinterpret_cast<const int64_t*>(args->data[3]);
  const int64_t* sources = starts + d.axis_size + 2;
  const int64_t begin = chunk % d.piece_chunks * d.piece, n = least(d.piece, d.inner.count - begin);
  const int64_t first = chunk / d.piece_chunks % d.row_chunks * d.row_chunk;
  const int64_t last = least(first + d.row_chunk, d.axis_size);
  const int64_t outer = chunk / d.piece_chunks / d.row_chunks;
  const char* updates = args->data[1] + offset_in(d.outer, outer);
  for (int64_t row = first; row < last; ++row) {
    S* out = reinterpret_cast<S*>(args->data[2]) + (outer * d.axis_size + row) * d.inner.count + begin;
    if (d.accumulate && starts[row] == starts[row + 1]) continue;
    A* sum = kRoundsAtEnd<D> ? reinterpret_cast<A*>(args->scratch) : reinterpret_cast<A*>(out);
    const int64_t bytes = n * static_cast<int64_t>(sizeof(S));
    if (kStreams && d.large && starts[row] == starts[row + 1] && whole_lines(out, bytes)) {
      for (int64_t i = 0; i < bytes; i += kStreamLine) stream_zero(reinterpret_cast<char*>(out) + i);
      continue;
    }
    if (!d.accumulate) {
      __builtin_memset(sum, 0, n * sizeof(A));
    } else if (kRoundsAtEnd<D>) {
      for (int64_t i = 0; i < n; ++i) sum[i] = D::load(out[i]);
    }
    for (int64_t s = starts[row]; s < starts[row + 1]; ++s) {
      const Space& index = d.index;
      const int64_t offset = index.axes == 1 ? sources[s] * index.b[0] : Walk(index, sources[s]).b;
      add_piece<D>(sum, d, updates + offset, begin, n);
    }
    if (kRoundsAtEnd<D>) {
      for (int64_t i = 0; i < n; ++i) out[i] = D::round(sum[i]);
    }
  }
  if (kStreams && d.large) stream_fence();
}

// One line: `lanes` neighbouring elements of inner, along the whole axis.
template <class D>
bool put_line(const KernelArgs* args, const PutAlongDesc& d, int64_t line) {
  using S = typename D::stored;
  using A = typename D::sum;
  const int64_t outer = line / d.lane_chunks, begin = line % d.lane_chunks * d.lanes;
  const int64_t lanes = least(d.lanes, d.inner.count - begin);
  S* out = reinterpret_cast<S*>(args->data[2]) + outer * d.axis_size * d.inner.count + begin;
  A* sum = kRoundsAtEnd<D> ? reinterpret_cast<A*>(args->scratch) : reinterpret_cast<A*>(out);
  const int64_t step = kRoundsAtEnd<D> ? lanes : d.inner.count;
  if (step == lanes) {
    __builtin_memset(sum, 0, d.axis_size * lanes * sizeof(A));
  } else {
    for (int64_t i = 0; i < d.axis_size; ++i) __builtin_memset(sum + i * step, 0, lanes * sizeof(A));
  }
  const Walk base(d.outer, outer);
  bool bad = false;
  for (int64_t j = 0; j < d.sources; ++j) {
    const char* index = args->data[0] + base.a + j * d.index_stride;
    const char* update = args->data[1] + base.b + j * d.update_stride;
    Walk inner(d.inner, begin);
    for (int64_t lane = 0; lane < lanes; ++lane, inner.next()) {
      const int64_t to = wrap_index(read_index(index + inner.a, d.wide_index), d.axis_size);
      if (to >= 0) sum[to * step + lane] += D::load(*reinterpret_cast<const S*>(update + inner.b));
      bad |= to < 0;
    }
  }
  if (kRoundsAtEnd<D>) {
    for (int64_t i = 0; i < d.axis_size; ++i) {
      for (int64_t lane = 0; lane < lanes; ++lane) out[i * d.inner.count + lane] = D::round(sum[i * step + lane]);
    }
  }
  return bad;
}

template <class D>
void put_along(const KernelArgs* args, int64_t chunk) {
  const PutAlongDesc& d = *static_cast<const PutAlongDesc*>(args->desc);
  const int64_t last = least((chunk + 1) * d.chunk, d.lines);
  bool bad = false;
  for (int64_t line = chunk * d.chunk; line < last; ++line) bad |= put_line<D>(args, d, line);
  if (bad) raise_status(args->status, kStatusBadIndex);
}

using dtype_f32 = plain<float, float>;
using dtype_f64 = plain<double, double>;
using dtype_i32 = plain<uint32_t, uint32_t>;
using dtype_i64 = plain<uint64_t, uint64_t>;
using dtype_8 = plain<uint8_t, uint8_t>;
using dtype_i16 = plain<uint16_t, uint16_t>;

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

#define PT_BOTH(dtype) pt::PT_ISA::scatter_rows<pt::PT_ISA::dtype>, pt::PT_ISA::put_along<pt::PT_ISA::dtype>
PT_KERNELS(scatter_add, pt::PT_ISA::sort_sources, PT_BOTH(dtype_f32), PT_BOTH(dtype_f64), PT_BOTH(half_f16),
           PT_BOTH(half_bf16), PT_BOTH(dtype_i32), PT_BOTH(dtype_i64), PT_BOTH(dtype_8), PT_BOTH(dtype_8),
           PT_BOTH(dtype_i16));
