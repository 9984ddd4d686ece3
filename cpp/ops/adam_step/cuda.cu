// One sweep: each element of the parameters, the gradient and the moments is read once and written once, 16 bytes at a
// time where all arrays are aligned to that.
#include "cuda/half.h"
#include "cuda/kernel.h"
#include "ops/adam_step/step.h"

namespace pt::cuda {
namespace {

constexpr int kAddresses = kAdamInputs + 4;

template <class T>
using One = pt::PT_ISA::vec<T, 1>;
template <class T>
using Numbers = pt::PT_ISA::AdamNumbers<One<T>>;

// Elements in memory: numbers as they are, or 16 bits of a dtype.
template <class M, DType kType>
struct Memory {
  using stored = M;
  using value = M;
  PT_DEVICE M get(M x) { return x; }
  PT_DEVICE M put(M x) { return x; }
};
template <DType kType>
struct Memory<uint16_t, kType> {
  using stored = uint16_t;
  using value = float;
  PT_DEVICE float get(uint16_t x) { return kType == DType::BF16 ? bf16_to_float(x) : f16_to_float(x); }
  PT_DEVICE uint16_t put(float x) { return kType == DType::BF16 ? float_to_bf16(x) : float_to_f16(x); }
};

template <class S, int kCount, bool kAddsDecay, bool kKeepsLargest>
PT_DEVICE void step_elements(char* const* data, const Numbers<typename S::value>& numbers, int64_t i) {
  using Some = Pack<typename S::stored, kCount>;
  using V = One<typename S::value>;
  const auto in = [&](int operand) { return reinterpret_cast<const Some*>(data[operand])[i]; };
  const Some p = in(kP), g = in(kG), mean = in(kMean), square = in(kSquare);
  Some largest = {}, out[3];
  if constexpr (kKeepsLargest) largest = in(kLargest);
#pragma unroll
  for (int e = 0; e < kCount; ++e) {
    pt::PT_ISA::AdamState<V> s = {V(S::get(p.at[e])), V(S::get(mean.at[e])), V(S::get(square.at[e])),
                                  V(S::get(largest.at[e]))};
    s = pt::PT_ISA::adam_step<kAddsDecay, kKeepsLargest>(numbers, s, V(S::get(g.at[e])));
    out[0].at[e] = S::put(s.p.part[0]);
    out[1].at[e] = S::put(s.mean.part[0]);
    out[2].at[e] = S::put(s.square.part[0]);
    largest.at[e] = S::put(s.largest.part[0]);
  }
#pragma unroll
  for (int o = 0; o < 3; ++o) reinterpret_cast<Some*>(data[kAdamInputs + o])[i] = out[o];
  if constexpr (kKeepsLargest) reinterpret_cast<Some*>(data[kAdamInputs + 3])[i] = largest;
}

template <class S, bool kAddsDecay, bool kKeepsLargest>
PT_DEVICE void sweep(const Operands<kAddresses>& operands, const AdamDesc& d) {
  constexpr int kMany = 16 / int(sizeof(typename S::stored));
  char* const* data = operands.at;
  const Numbers<typename S::value> numbers(d, data);
  bool aligned = true;
  for (int i = 0; i < kAddresses; ++i) {
    const bool array = i <= kSquare || (i == kLargest && kKeepsLargest) ||
                       (i >= kAdamInputs && i < kAdamInputs + (kKeepsLargest ? 4 : 3));
    if (array) aligned = aligned && is_aligned(data[i], 16);
  }
  const int64_t packs = aligned ? d.elements / kMany : 0;
  for (int64_t i = global_thread(); i < packs; i += global_threads())
    step_elements<S, kMany, kAddsDecay, kKeepsLargest>(data, numbers, i);
  for (int64_t i = packs * kMany + global_thread(); i < d.elements; i += global_threads())
    step_elements<S, 1, kAddsDecay, kKeepsLargest>(data, numbers, i);
}

template <class S>
PT_DEVICE void sweep_as_asked(const Operands<kAddresses>& operands, const AdamDesc& d) {
  if (d.decay != 0) {
    d.largest ? sweep<S, true, true>(operands, d) : sweep<S, true, false>(operands, d);
  } else {
    d.largest ? sweep<S, false, true>(operands, d) : sweep<S, false, false>(operands, d);
  }
}

}  // namespace
}  // namespace pt::cuda

#define PT_ADAM(name, M, type)                                                        \
  PT_CUDA_KERNEL(adam_step_##name, pt::cuda::kAddresses, pt::AdamDesc, 256) {         \
    pt::cuda::sweep_as_asked<pt::cuda::Memory<M, pt::DType::type>>(operands, params); \
  }

PT_ADAM(f32, float, F32)
PT_ADAM(f64, double, F64)
PT_ADAM(f16, uint16_t, F16)
PT_ADAM(bf16, uint16_t, BF16)
