// Where the extreme of each row or column is: among equals the first, whatever the order in which threads look.
#include "ops/reduce/cuda_items.h"

namespace pt::cuda {

template <class T>
struct Place {
  T value;
  int64_t at;  // -1: there is none yet
};

// The better one of two, of which either may come first in its row.
template <bool kMax, class T>
PT_DEVICE Place<T> better(const Place<T>& a, const Place<T>& b) {
  if (a.at < 0 || b.at < 0) return a.at < 0 ? b : a;
  if (PT_ISA::beats<kMax>(b.value, a.value)) return b;
  if (PT_ISA::beats<kMax>(a.value, b.value)) return a;
  return b.at < a.at ? b : a;
}

// The best of elements begin, begin + step, ... of a column.
template <bool kMax, class Load>
PT_DEVICE Place<typename Load::type> best_of(const char* column, const ReduceItems& of, int64_t begin, int64_t end,
                                             int64_t step) {
  using T = typename Load::type;
  Place<T> best{T(0), -1};
#pragma unroll Load::at_once
  for (int64_t k = begin; k < end; k += step) {
    const T x = Load::load(column + element_of(of, k), of);
    if (best.at < 0 || PT_ISA::beats<kMax>(x, best.value)) best = {x, k};
  }
  return best;
}

template <bool kMax, class Load>
PT_DEVICE void column_positions(const Operands<3>& operands, const ReduceItems& of, char* memory) {
  using T = typename Load::type;
  auto* places = reinterpret_cast<Place<T>*>(memory);
  auto* out = reinterpret_cast<int64_t*>(operands.at[1]);
  const int64_t width = blockDim.x, tiles = (of.items + width - 1) / width;
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const int64_t item = tile * width + threadIdx.x;
    const bool here = item < of.items;
    Place<T> best{T(0), -1};
    if (here) {
      best = best_of<kMax, Load>(column_of(operands.at[0], of, item), of, threadIdx.y, of.n_reduced, blockDim.y);
      places[threadIdx.y * width + threadIdx.x] = best;
    }
    __syncthreads();
    if (here && threadIdx.y == 0) {
      for (unsigned k = 1; k < blockDim.y; ++k) best = better<kMax>(best, places[k * width + threadIdx.x]);
      out[item] = best.at;
    }
    __syncthreads();
  }
}

template <bool kMax, class Load>
PT_DEVICE void row_positions(const Operands<3>& operands, const RowPositions& params, char* memory) {
  using T = typename Load::type;
  const ReduceItems& of = params.of;
  auto* places = reinterpret_cast<Place<T>*>(memory);
  const int64_t parts = params.parts.by;
  auto* out = reinterpret_cast<int64_t*>(operands.at[parts > 1 ? 2 : 1]);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  for (int64_t i = blockIdx.x; i < of.items * parts; i += gridDim.x) {
    const Divided at = divide(i, params.parts);
    const int64_t begin = at.rest * params.part, end = min(begin + params.part, of.n_reduced);
    Place<T> best =
        best_of<kMax, Load>(column_of(operands.at[0], of, at.quotient), of, begin + threadIdx.x, end, kPositionThreads);
    for (int apart = kWarp / 2; apart > 0; apart /= 2) {
      const Place<T> other{__shfl_down_sync(0xffffffffu, best.value, apart),
                           __shfl_down_sync(0xffffffffu, best.at, apart)};
      best = better<kMax>(best, other);
    }
    if (lane == 0) places[warp] = best;
    __syncthreads();
    if (threadIdx.x == 0) {
      for (int k = 1; k < kPositionThreads / kWarp; ++k) best = better<kMax>(best, places[k]);
      out[i] = best.at;
    }
    __syncthreads();
  }
}

// The best of the parts of a row, which are in order.
template <bool kMax, class Load>
PT_DEVICE void part_positions(const Operands<3>& operands, const RowPositions& params) {
  using T = typename Load::type;
  const ReduceItems& of = params.of;
  const auto* places = reinterpret_cast<const int64_t*>(operands.at[2]);
  for (int64_t item = global_thread(); item < of.items; item += global_threads()) {
    const char* row = column_of(operands.at[0], of, item);
    Place<T> best{T(0), -1};
    for (int64_t part = 0; part < params.parts.by; ++part) {
      const int64_t at = places[item * params.parts.by + part];
      best = better<kMax>(best, Place<T>{Load::load(row + element_of(of, at), of), at});
    }
    reinterpret_cast<int64_t*>(operands.at[1])[item] = best.at;
  }
}

template <bool kMax>
struct Extreme {
  static constexpr bool is_max = kMax;
};
// Calls f(extreme, load).
template <class F>
PT_DEVICE void with_search(const ReduceItems& of, F f) {
  with_load(of, [&](auto load) {
    if (of.combine == ReduceCombine::Max)
      f(Extreme<true>(), load);
    else
      f(Extreme<false>(), load);
  });
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(reduce_column_positions, 3, pt::cuda::ReducePositions, pt::cuda::kPositionThreads) {
  using namespace pt::cuda;
  [[maybe_unused]] __shared__ __align__(8) char memory[kPositionThreads * 16];
  with_search(params.of, [&](auto extreme, auto load) {
    column_positions<decltype(extreme)::is_max, decltype(load)>(operands, params.of, memory);
  });
}

PT_CUDA_KERNEL(reduce_row_positions, 3, pt::cuda::RowPositions, pt::cuda::kPositionThreads) {
  using namespace pt::cuda;
  [[maybe_unused]] __shared__ __align__(8) char memory[kPositionThreads / kWarp * 16];
  with_search(params.of, [&](auto extreme, auto load) {
    row_positions<decltype(extreme)::is_max, decltype(load)>(operands, params, memory);
  });
}

PT_CUDA_KERNEL(reduce_part_positions, 3, pt::cuda::RowPositions, 256) {
  using namespace pt::cuda;
  with_search(params.of, [&](auto extreme, auto load) {
    part_positions<decltype(extreme)::is_max, decltype(load)>(operands, params);
  });
}
