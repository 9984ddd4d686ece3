// One chain per line, in order, so that results have the CPU's bits: floats accumulate in double and each running
// result is rounded once. Short or many lines have a thread each. A long one has a block, whose threads read and write
// its tiles together, while one of them goes from element to element in shared memory.
#include "cuda/walk.h"
#include "ops/fused/element.h"
#include "ops/scan/better.h"
#include "ops/scan/cuda_desc.h"
#include "simd/round_to_odd.h"

namespace pt::cuda {

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

PT_DEVICE double plus(double a, double b) { return a + b; }
PT_DEVICE int64_t plus(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
PT_DEVICE double times(double a, double b) { return a * b; }
PT_DEVICE int64_t times(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

// What goes along a line: value is what is read, result what is written after each element.
template <class S, bool kProduct>
struct Totals {
  using value = typename S::value;
  using result = typename accumulator<value>::type;
  static constexpr bool widens = sizeof(result(0.5)) == 8 && result(0.5) == result(0);  // integers, to 64 bits
  static constexpr int out_bytes = widens ? 8 : int(sizeof(typename S::memory));
  result total = result(kProduct ? 1 : 0);

  PT_FN result first() const { return total; }
  PT_FN result next(value x, int64_t) {
    total = kProduct ? times(total, result(x)) : plus(total, result(x));
    return total;
  }
  static PT_FN void put(char* at, result total) {
    if constexpr (widens)
      *reinterpret_cast<int64_t*>(at) = total;
    else if constexpr (PT_ISA::is_half<S>)
      *reinterpret_cast<typename S::memory*>(at) = S::put(PT_ISA::round_to_odd(total));
    else
      *reinterpret_cast<typename S::memory*>(at) = S::put(value(total));
  }
};

template <class S, bool kLargest>
struct Places {
  using value = typename S::value;
  using result = int64_t;
  static constexpr int out_bytes = 8;
  value best = value(0);
  int64_t place = 0;

  PT_FN result first() const { return place; }
  PT_FN result next(value x, int64_t at) {
    if (at == 0 || PT_ISA::takes_over(x, best, kLargest)) {
      best = x;
      place = at;
    }
    return place;
  }
  static PT_FN void put(char* at, result place) { *reinterpret_cast<int64_t*>(at) = place; }
};

// Where a walk begins and what it advances by: below zero from the end.
struct Track {
  const char* from;
  char* to;
  int64_t step, out_step;
};
template <class Running>
PT_DEVICE Track track_of(const Operands<2>& operands, const ScanLines& params, int64_t line) {
  const Offsets at = offsets_of(params.lines, line);
  const int64_t last = params.reverse ? params.n - 1 : 0, sign = params.reverse ? -1 : 1;
  Track track{operands.at[0] + at.a + last * params.stride, operands.at[1] + at.b + last * params.out_stride,
              sign * params.stride, sign * params.out_stride};
  return track;
}

template <class S>
PT_DEVICE typename S::value value_at(const char* at) {
  return S::get(*reinterpret_cast<const typename S::memory*>(at));
}

template <class S, class Running>
PT_DEVICE void scan_lines_as(const Operands<2>& operands, const ScanLines& params) {
  for (int64_t line = global_thread(); line < params.lines.elements; line += global_threads()) {
    Track track = track_of<Running>(operands, params, line);
    Running running;
    if (params.initial) {
      Running::put(track.to, running.first());
      track.to += track.out_step;
    }
    for (int64_t i = 0; i < params.n; ++i, track.from += track.step, track.to += track.out_step)
      Running::put(track.to, running.next(value_at<S>(track.from), i));
  }
}

template <class S, class Running>
PT_DEVICE void scan_long_lines_as(const Operands<2>& operands, const ScanLines& params, char* tile) {
  using Value = typename Running::value;
  using Result = typename Running::result;
  for (int64_t line = blockIdx.x; line < params.lines.elements; line += gridDim.x) {
    Track track = track_of<Running>(operands, params, line);
    Running running;
    if (params.initial) {
      if (threadIdx.x == 0) Running::put(track.to, running.first());
      track.to += track.out_step;
    }
    for (int64_t begin = 0; begin < params.n; begin += kScanTile) {
      const int n = int(min(params.n - begin, int64_t(kScanTile)));
      for (int i = threadIdx.x; i < n; i += kScanThreads)
        *reinterpret_cast<Value*>(tile + i * 8) = value_at<S>(track.from + (begin + i) * track.step);
      __syncthreads();
      if (threadIdx.x == 0) {
        for (int i = 0; i < n; ++i) {
          const Value x = *reinterpret_cast<const Value*>(tile + i * 8);
          *reinterpret_cast<Result*>(tile + i * 8) = running.next(x, begin + i);
        }
      }
      __syncthreads();
      for (int i = threadIdx.x; i < n; i += kScanThreads)
        Running::put(track.to + (begin + i) * track.out_step, *reinterpret_cast<const Result*>(tile + i * 8));
      __syncthreads();
    }
  }
}

template <class S, class Running>
struct Scan {
  using storage = S;
  using running = Running;
};
// Calls f(scan) for the storage and the kind.
template <class F>
PT_DEVICE void with_scan(const ScanLines& params, F f) {
  PT_ISA::with_storage(params.from, [&](auto s) {
    using S = decltype(s);
    switch (params.kind) {
      case ScanKind::Sum:
        return f(Scan<S, Totals<S, false>>());
      case ScanKind::Prod:
        return f(Scan<S, Totals<S, true>>());
      case ScanKind::ArgMax:
        return f(Scan<S, Places<S, true>>());
      case ScanKind::ArgMin:
        return f(Scan<S, Places<S, false>>());
    }
  });
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(scan_lines, 2, pt::cuda::ScanLines, pt::cuda::kScanThreads) {
  using namespace pt::cuda;
  with_scan(params, [&](auto scan) {
    using Scanned = decltype(scan);
    scan_lines_as<typename Scanned::storage, typename Scanned::running>(operands, params);
  });
}

PT_CUDA_KERNEL(scan_long_lines, 2, pt::cuda::ScanLines, pt::cuda::kScanThreads) {
  using namespace pt::cuda;
  [[maybe_unused]] __shared__ __align__(8) char tile[kScanTile * 8];
  with_scan(params, [&](auto scan) {
    using Scanned = decltype(scan);
    scan_long_lines_as<typename Scanned::storage, typename Scanned::running>(operands, params, tile);
  });
}
