// One sweep: each element of the parameters, the gradient and the moments is read once and written once (28 bytes in
// f32), where a chain of elementwise ops would go through a cache for every operation. Each operation rounds as its own
// op does.
#include "core/kernel.h"
#include "ops/adam_step/step.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {
namespace {

template <class T>
struct Stored {
  using memory = T;
  using value = vec<T, 16>;
  static PT_FN value get(const T* p) { return value::load(p); }
  static PT_FN void put(T* p, value v) { store(p, v); }
};
template <class Half>
struct StoredHalf {
  using memory = Half;
  using value = vec<float, 16>;
  static PT_FN value get(const Half* p) { return load_half(p); }
  static PT_FN void put(Half* p, value v) { store_half(p, v); }
};

template <class S, bool kAddsDecay, bool kKeepsLargest>
void sweep(const AdamDesc& d, char* const* data, int64_t begin, int64_t end) {
  using M = typename S::memory;
  using V = typename S::value;
  const AdamNumbers<V> numbers(d, data);
  const auto in = [&](int i) { return reinterpret_cast<const M*>(data[i]); };
  const auto out = [&](int i) { return reinterpret_cast<M*>(data[kAdamInputs + i]); };
  const M *p = in(kP), *g = in(kG), *mean = in(kMean), *square = in(kSquare), *largest = in(kLargest);
  M *new_p = out(0), *new_mean = out(1), *new_square = out(2), *new_largest = kKeepsLargest ? out(3) : nullptr;
  int64_t i = begin;
  for (; i + V::lanes <= end; i += V::lanes) {
    AdamState<V> s = {S::get(p + i), S::get(mean + i), S::get(square + i), V(0)};
    if constexpr (kKeepsLargest) s.largest = S::get(largest + i);
    s = adam_step<kAddsDecay, kKeepsLargest>(numbers, s, S::get(g + i));
    S::put(new_p + i, s.p);
    S::put(new_mean + i, s.mean);
    S::put(new_square + i, s.square);
    if constexpr (kKeepsLargest) S::put(new_largest + i, s.largest);
  }
  if (i == end) return;
  // The last elements, with zeros behind them.
  M block[5][V::lanes] = {};
  const int64_t rest = end - i;
  const auto take = [&](M* to, const M* from) { __builtin_memcpy(to, from + i, rest * sizeof(M)); };
  take(block[0], p), take(block[1], mean), take(block[2], square), take(block[4], g);
  if constexpr (kKeepsLargest) take(block[3], largest);
  AdamState<V> s = {S::get(block[0]), S::get(block[1]), S::get(block[2]), S::get(block[3])};
  s = adam_step<kAddsDecay, kKeepsLargest>(numbers, s, S::get(block[4]));
  const auto give = [&](M* to, V v) {
    M values[V::lanes];
    S::put(values, v);
    __builtin_memcpy(to + i, values, rest * sizeof(M));
  };
  give(new_p, s.p), give(new_mean, s.mean), give(new_square, s.square);
  if constexpr (kKeepsLargest) give(new_largest, s.largest);
}

template <class S>
void run_chunk(const KernelArgs* args, int64_t chunk) {
  const AdamDesc& d = *static_cast<const AdamDesc*>(args->desc);
  const int64_t begin = chunk * d.chunk, end = begin + d.chunk < d.elements ? begin + d.chunk : d.elements;
  if (d.decay != 0)
    (d.largest ? sweep<S, true, true> : sweep<S, true, false>)(d, args->data, begin, end);
  else
    (d.largest ? sweep<S, false, true> : sweep<S, false, false>)(d, args->data, begin, end);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(adam_step, pt::PT_ISA::run_chunk<pt::PT_ISA::Stored<float>>,
           pt::PT_ISA::run_chunk<pt::PT_ISA::Stored<double>>,
           pt::PT_ISA::run_chunk<pt::PT_ISA::StoredHalf<pt::PT_ISA::f16>>,
           pt::PT_ISA::run_chunk<pt::PT_ISA::StoredHalf<pt::PT_ISA::bf16>>);
