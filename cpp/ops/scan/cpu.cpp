// One chain per line, in order: floats accumulate in double and each running result is rounded once.
#include "core/kernel.h"
#include "ops/fused/memory.h"
#include "ops/scan/desc.h"
#include "simd/round_to_odd.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

template <class T>
struct accumulator {
  using type = int64_t;
};
template <>
struct accumulator<float> {
  using type = double;
};
template <>
struct accumulator<double> {
  using type = double;
};

inline double plus(double a, double b) { return a + b; }
inline int64_t plus(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
inline double times(double a, double b) { return a * b; }
inline int64_t times(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

template <class S>
inline typename S::value read(const char* at) {
  typename S::memory element;
  __builtin_memcpy(&element, at, sizeof(element));
  return S::get(element);
}
template <class S, class A>
inline void write(char* at, A value) {
  typename S::memory element;
  if constexpr (is_half<S>)
    element = S::put(round_to_odd(value));
  else
    element = S::put(typename S::value(value));
  __builtin_memcpy(at, &element, sizeof(element));
}

// `step` is that of the walk: below zero from the end.
template <class From, class To>
void accumulate_line(const ScanDesc& d, const char* from, int64_t step, char* to, int64_t out_step) {
  using A = typename accumulator<typename From::value>::type;
  A total = d.kind == ScanKind::Sum ? A(0) : A(1);
  if (d.initial) {
    write<To>(to, total);
    to += out_step;
  }
  for (int64_t i = 0; i < d.n; ++i, from += step, to += out_step) {
    const A x = A(read<From>(from));
    total = d.kind == ScanKind::Sum ? plus(total, x) : times(total, x);
    write<To>(to, total);
  }
}

template <class From>
void best_line(const ScanDesc& d, const char* from, int64_t step, char* to, int64_t out_step) {
  typename From::value best{};
  int64_t position = 0;
  for (int64_t i = 0; i < d.n; ++i, from += step, to += out_step) {
    const typename From::value x = read<From>(from);
    const bool better = d.kind == ScanKind::ArgMax ? x >= best : x <= best;
    if (i == 0 || x != x || (better && best == best)) {
      best = x;
      position = i;
    }
    __builtin_memcpy(to, &position, sizeof(position));
  }
}

template <class From>
void scan_line(const ScanDesc& d, const char* from, char* to) {
  int64_t step = d.stride, out_step = d.out_stride;
  if (d.reverse) {
    from += (d.n - 1) * d.stride;
    to += (d.n - 1) * d.out_stride;
    step = -step;
    out_step = -out_step;
  }
  if (d.kind == ScanKind::ArgMax || d.kind == ScanKind::ArgMin) {
    best_line<From>(d, from, step, to, out_step);
  } else if (d.to == FusedStorage::I64 || d.to == FusedStorage::U64) {  // which add and multiply alike
    if constexpr (sizeof(typename accumulator<typename From::value>::type(0)) == 8)
      accumulate_line<From, stored<FusedStorage::I64>>(d, from, step, to, out_step);
  } else {
    accumulate_line<From, From>(d, from, step, to, out_step);
  }
}

void scan_lines(const KernelArgs* args, int64_t chunk) {
  const ScanDesc& d = *static_cast<const ScanDesc*>(args->desc);
  const int64_t first = chunk * d.chunk;
  const int64_t last = first + d.chunk < d.lines.count ? first + d.chunk : d.lines.count;
  with_storage(d.from, [&](auto s) {
    Walk line(d.lines, first);
    for (int64_t i = first; i < last; ++i, line.next()) {
      scan_line<decltype(s)>(d, args->data[0] + line.a, args->data[1] + line.b);
    }
  });
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(scan, pt::PT_ISA::scan_lines);
