// One chain per line, in order: floats accumulate in double and each running result is rounded once. Lines that are
// neighbours in memory are walked side by side, so that each cache line is read once and chains need not wait; others
// too, some at a time.
#include "core/kernel.h"
#include "ops/fused/memory.h"
#include "ops/scan/better.h"
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

struct Plus {
  static constexpr int first = 0;
  static PT_FN double join(double a, double b) { return a + b; }
  static PT_FN int64_t join(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
};
struct Times {
  static constexpr int first = 1;
  static PT_FN double join(double a, double b) { return a * b; }
  static PT_FN int64_t join(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }
};

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

// Where a walk begins and what it advances by: below zero from the end.
struct Track {
  const char* from;
  char* to;
  int64_t step, out_step;
  int64_t apart = 0, out_apart = 0;  // from one line to the next
  Track(const ScanDesc& d, const char* x, char* out) : from(x), to(out), step(d.stride), out_step(d.out_stride) {
    if (d.lines.axes > 0) {
      apart = d.lines.a[d.lines.axes - 1];
      out_apart = d.lines.b[d.lines.axes - 1];
    }
    if (!d.reverse) return;
    from += (d.n - 1) * step;
    to += (d.n - 1) * out_step;
    step = -step;
    out_step = -out_step;
  }
};

// `count` lines, kLines of them if that is not 0, evenly apart: neighbours, unless there are kApart.
constexpr int64_t kApart = 8;
template <class Op, class From, class To, int64_t kLines>
void accumulate_lines(const ScanDesc& d, Track at, int64_t count) {
  using A = typename accumulator<typename From::value>::type;
  const int64_t lines = kLines ? kLines : count;
  const int64_t apart = kLines == kApart ? at.apart : int64_t(sizeof(typename From::memory));
  const int64_t out_apart = kLines == kApart ? at.out_apart : int64_t(sizeof(typename To::memory));
  A total[kLines ? kLines : kSideBySide];
  for (int64_t k = 0; k < lines; ++k) total[k] = A(Op::first);
  auto write_all = [&] {
    for (int64_t k = 0; k < lines; ++k) write<To>(at.to + k * out_apart, total[k]);
    at.to += at.out_step;
  };
  if (d.initial) write_all();
  for (int64_t i = 0; i < d.n; ++i, at.from += at.step) {
    for (int64_t k = 0; k < lines; ++k) total[k] = Op::join(total[k], A(read<From>(at.from + k * apart)));
    write_all();
  }
}

template <class From, class To>
void accumulate(const ScanDesc& d, const Track& at, int64_t lines, bool neighbours) {
  auto with = [&](auto op) {
    using Op = decltype(op);
    if (!neighbours && lines == kApart)
      accumulate_lines<Op, From, To, kApart>(d, at, lines);
    else if (lines == 1)
      accumulate_lines<Op, From, To, 1>(d, at, lines);
    else if (lines == kSideBySide)
      accumulate_lines<Op, From, To, kSideBySide>(d, at, lines);
    else
      accumulate_lines<Op, From, To, 0>(d, at, lines);
  };
  if (d.kind == ScanKind::Sum)
    with(Plus());
  else
    with(Times());
}

template <class From>
void best_line(const ScanDesc& d, Track at) {
  typename From::value best{};
  int64_t position = 0;
  for (int64_t i = 0; i < d.n; ++i, at.from += at.step, at.to += at.out_step) {
    const typename From::value x = read<From>(at.from);
    if (i == 0 || takes_over(x, best, d.kind == ScanKind::ArgMax)) {
      best = x;
      position = i;
    }
    __builtin_memcpy(at.to, &position, sizeof(position));
  }
}

bool finds_places(const ScanDesc& d) { return d.kind == ScanKind::ArgMax || d.kind == ScanKind::ArgMin; }
bool widens(const ScanDesc& d) {  // to 64 bits, signed or not, which add and multiply alike
  return d.to == FusedStorage::I64 || d.to == FusedStorage::U64;
}

template <class From>
void scan(const ScanDesc& d, const Track& at, int64_t lines, bool neighbours) {
  if (finds_places(d)) {
    best_line<From>(d, at);
  } else if (widens(d)) {
    if constexpr (sizeof(typename accumulator<typename From::value>::type(0)) == 8)
      accumulate<From, stored<FusedStorage::I64>>(d, at, lines, neighbours);
  } else {
    accumulate<From, From>(d, at, lines, neighbours);
  }
}

template <class From>
bool are_neighbours(const ScanDesc& d) {
  const int last = d.lines.axes - 1;
  const int64_t bytes = sizeof(typename From::memory), out_bytes = widens(d) ? 8 : bytes;
  return last >= 0 && d.lines.a[last] == bytes && d.lines.b[last] == out_bytes;
}

// How many lines from here on, of at most `most`, go together.
int64_t together(const ScanDesc& d, const Walk& line, int64_t most, bool neighbours) {
  const int last = d.lines.axes - 1;
  if (finds_places(d) || last < 0) return 1;
  const int64_t left = d.lines.extent[last] - line.index[last];
  if (most > left) most = left;
  if (!neighbours) return most < kApart ? 1 : kApart;
  return most < kSideBySide ? most : kSideBySide;
}

void scan_lines(const KernelArgs* args, int64_t chunk) {
  const ScanDesc& d = *static_cast<const ScanDesc*>(args->desc);
  const int64_t first = chunk * d.chunk;
  const int64_t last = first + d.chunk < d.lines.count ? first + d.chunk : d.lines.count;
  with_storage(d.from, [&](auto s) {
    using From = decltype(s);
    const bool neighbours = are_neighbours<From>(d);
    Walk line(d.lines, first);
    for (int64_t i = first; i < last;) {
      const int64_t lines = together(d, line, last - i, neighbours);
      scan<From>(d, Track(d, args->data[0] + line.a, args->data[1] + line.b), lines, neighbours);
      for (int64_t k = 0; k < lines; ++k, ++i) line.next();
    }
  });
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(scan, pt::PT_ISA::scan_lines);
