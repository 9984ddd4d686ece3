// A radix sort by digits of 8 bits, the lowest first, for many long lines at once. Each pass counts the digits of
// tiles, adds up where the entries of each tile and digit begin, and places them; within a tile by their order, so that
// the sort is stable and its result no matter of who comes first.
#include "cuda/walk.h"
#include "ops/sort/cuda_desc.h"
#include "ops/sort/keys.h"

namespace pt::cuda {

PT_DEVICE uint32_t digit_of(const SortEntry& entry, int shift) { return uint32_t(entry.key >> shift) & 255u; }

// The entries of a tile: [begin, end) of all lines' entries, and where its line begins.
struct SortTile {
  int64_t line, begin, end;
};
PT_DEVICE SortTile tile_at(const SortPass& params, int64_t tile) {
  const Divided at = divide(tile, params.line_tiles);
  const int64_t line = at.quotient * params.n, begin = line + at.rest * kSortTile;
  return {line, begin, min(begin + kSortTile, line + params.n)};
}

// Adds up the values of the block's threads before this one.
PT_DEVICE uint32_t sum_before(uint32_t value, uint32_t* of_warps) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  uint32_t sum = value;
  for (int apart = 1; apart < kWarp; apart *= 2) {
    const uint32_t left = __shfl_up_sync(0xffffffffu, sum, apart);
    if (lane >= apart) sum += left;
  }
  if (lane == kWarp - 1) of_warps[warp] = sum;
  __syncthreads();
  for (int i = 0; i < warp; ++i) sum += of_warps[i];
  __syncthreads();
  return sum - value;
}

}  // namespace pt::cuda

// The place of an entry is the number of those before it: smaller ones, and equal ones at an earlier position.
PT_CUDA_KERNEL(sort_short, 2, pt::cuda::SortShort, 256) {
  using namespace pt::cuda;
  const SortKeys& keys = params.keys;
  pt::PT_ISA::with_storage(keys.storage, [&](auto s) {
    for (int64_t i = global_thread(); i < keys.entries; i += global_threads()) {
      const Divided at = divide(i, keys.n);
      const Offsets line = offsets_of(keys.lines, at.quotient);
      const char* from = operands.at[0] + line.a;
      auto key_at = [&](int64_t place) {
        return pt::PT_ISA::read_key<decltype(s)>(from + place * keys.stride) ^ keys.flip;
      };
      const uint64_t key = key_at(at.rest);
      int64_t before = 0;
      for (int64_t other = 0; other < keys.n.by; ++other) {
        const uint64_t there = key_at(other);
        before += there < key || (there == key && other < at.rest);
      }
      *reinterpret_cast<int64_t*>(operands.at[1] + line.b + before * params.out_stride) = at.rest;
    }
  });
}

PT_CUDA_KERNEL(sort_keys, 2, pt::cuda::SortKeys, 256) {
  using namespace pt::cuda;
  auto* entries = reinterpret_cast<SortEntry*>(operands.at[1]);
  pt::PT_ISA::with_storage(params.storage, [&](auto s) {
    for (int64_t i = global_thread(); i < params.entries; i += global_threads()) {
      const Divided at = divide(i, params.n);
      const char* from = operands.at[0] + offsets_of(params.lines, at.quotient).a + at.rest * params.stride;
      entries[i] = {pt::PT_ISA::read_key<decltype(s)>(from) ^ params.flip, at.rest};
    }
  });
}

PT_CUDA_KERNEL(sort_count, 2, pt::cuda::SortPass, pt::cuda::kSortThreads) {
  using namespace pt::cuda;
  __shared__ uint32_t counts[kSortDigits];
  const auto* entries = reinterpret_cast<const SortEntry*>(operands.at[0]);
  auto* all = reinterpret_cast<uint32_t*>(operands.at[1]);
  for (int64_t tile = blockIdx.x; tile < params.tiles; tile += gridDim.x) {
    const SortTile t = tile_at(params, tile);
    counts[threadIdx.x] = 0;
    __syncthreads();
    for (int64_t i = t.begin + threadIdx.x; i < t.end; i += kSortThreads)
      atomicAdd(&counts[digit_of(entries[i], params.shift)], 1u);
    __syncthreads();
    all[tile * kSortDigits + threadIdx.x] = counts[threadIdx.x];
    __syncthreads();
  }
}

// A block takes a line, and a thread a digit of it.
PT_CUDA_KERNEL(sort_offsets, 1, pt::cuda::SortPass, pt::cuda::kSortThreads) {
  using namespace pt::cuda;
  __shared__ uint32_t of_warps[kSortThreads / kWarp];
  const int64_t tiles = params.line_tiles.by;
  for (int64_t line = blockIdx.x; line < params.lines; line += gridDim.x) {
    uint32_t* counts = reinterpret_cast<uint32_t*>(operands.at[0]) + line * tiles * kSortDigits + threadIdx.x;
    uint32_t total = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) total += counts[tile * kSortDigits];
    uint32_t at = sum_before(total, of_warps);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const uint32_t here = counts[tile * kSortDigits];
      counts[tile * kSortDigits] = at;
      at += here;
    }
  }
}

// Each warp has a part of the tile: first its entries are numbered among those of the same digit in the part, then
// parts begin where those before them end.
PT_CUDA_KERNEL(sort_place, 3, pt::cuda::SortPass, pt::cuda::kSortThreads) {
  using namespace pt::cuda;
  constexpr int kWarps = kSortThreads / kWarp;
  __shared__ uint32_t at[kWarps][kSortDigits];
  const auto* entries = reinterpret_cast<const SortEntry*>(operands.at[0]);
  const auto* starts = reinterpret_cast<const uint32_t*>(operands.at[1]);
  auto* sorted = reinterpret_cast<SortEntry*>(operands.at[2]);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const uint32_t before = (1u << lane) - 1;
  for (int64_t tile = blockIdx.x; tile < params.tiles; tile += gridDim.x) {
    const SortTile t = tile_at(params, tile);
    for (int i = lane; i < kSortDigits; i += kWarp) at[warp][i] = 0;
    __syncwarp();
    SortEntry entry[kSortEach] = {};
    uint32_t place[kSortEach];
    const int64_t first = t.begin + warp * kWarp * kSortEach + lane;
#pragma unroll
    for (int i = 0; i < kSortEach; ++i) {
      const bool here = first + i * kWarp < t.end;
      if (here) entry[i] = entries[first + i * kWarp];
      const uint32_t digit = here ? digit_of(entry[i], params.shift) : uint32_t(kSortDigits);
      const uint32_t equal = __match_any_sync(0xffffffffu, digit);
      const uint32_t numbered = here ? at[warp][digit] : 0;
      __syncwarp();
      if (here && (equal & before) == 0) at[warp][digit] = numbered + __popc(equal);
      __syncwarp();
      place[i] = numbered + __popc(equal & before);
    }
    __syncthreads();
    uint32_t start = starts[tile * kSortDigits + threadIdx.x];
    for (int i = 0; i < kWarps; ++i) {
      const uint32_t count = at[i][threadIdx.x];
      at[i][threadIdx.x] = start;
      start += count;
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kSortEach; ++i) {
      if (first + i * kWarp >= t.end) continue;
      sorted[t.line + at[warp][digit_of(entry[i], params.shift)] + place[i]] = entry[i];
    }
    __syncthreads();
  }
}

PT_CUDA_KERNEL(sort_positions, 2, pt::cuda::SortPositions, 256) {
  using namespace pt::cuda;
  const auto* entries = reinterpret_cast<const SortEntry*>(operands.at[0]);
  for (int64_t i = global_thread(); i < params.entries; i += global_threads()) {
    const Divided at = divide(i, params.n);
    char* to = operands.at[1] + offsets_of(params.lines, at.quotient).b + at.rest * params.stride;
    *reinterpret_cast<int64_t*>(to) = entries[i].position;
  }
}

PT_CUDA_KERNEL(search_sorted, 3, pt::cuda::SearchSorted, 256) {
  using namespace pt::cuda;
  pt::PT_ISA::with_storage(params.storage, [&](auto s) {
    using S = decltype(s);
    for (int64_t i = global_thread(); i < params.values.elements; i += global_threads()) {
      const Offsets offset = offsets_of(params.values, i);
      const uint64_t key = pt::PT_ISA::read_key<S>(operands.at[1] + offset.a);
      int64_t low = 0, high = params.n;  // the place is in low..high
      while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const uint64_t at = pt::PT_ISA::read_key<S>(operands.at[0] + middle * params.stride);
        if (at < key || (params.right && at == key))
          low = middle + 1;
        else
          high = middle;
      }
      *reinterpret_cast<int64_t*>(operands.at[2] + offset.b) = low;
    }
  });
}
