// Loops of a block's threads over the elements of a matrix. None of them is a barrier.
#pragma once
#include "cuda/kernel.h"
#include "ops/factor/desc.h"
#include "ops/factor/formulas.h"

namespace pt::cuda {

using namespace pt::PT_ISA;

static_assert(kLanes == kWarp);

// f(i) for i from first to last - 1: by the threads of the block; by its warps, each as a whole; by the threads of a
// warp.
template <class F>
PT_DEVICE void by_threads(int64_t first, int64_t last, const F& f) {
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) f(i);
}
template <class F>
PT_DEVICE void by_warps(int64_t first, int64_t last, const F& f) {
  for (int64_t i = first + threadIdx.x / kWarp; i < last; i += blockDim.x / kWarp) f(i);
}
template <class F>
PT_DEVICE void by_lanes(int64_t first, int64_t last, const F& f) {
  for (int64_t i = first + threadIdx.x % kWarp; i < last; i += kWarp) f(i);
}

// Of a warp: each thread has one of the lanes, and all of them get the sum.
PT_DEVICE double dot(const double* a, const double* b, int64_t n, int64_t stride = 1) {
  double sum = 0;
  by_lanes(0, n, [&](int64_t i) { sum += a[i * stride] * b[i * stride]; });
  for (int apart = kWarp / 2; apart > 0; apart /= 2) sum += __shfl_down_sync(0xffffffffu, sum, apart);
  return __shfl_sync(0xffffffffu, sum, 0);
}

// NaN where an element is no finite number. With barriers, also behind.
PT_DEVICE double scale_of(const double* x, int64_t count) {
  __shared__ double of_warps[32];
  double largest = 0;
  bool finite = true;
  by_threads(0, count, [&](int64_t i) {
    finite = finite && is_finite(x[i]);
    largest = size_of(x[i]) > largest ? size_of(x[i]) : largest;
  });
  const auto take = [&](double other) { largest = other > largest ? other : largest; };
  for (int apart = kWarp / 2; apart > 0; apart /= 2) take(__shfl_xor_sync(0xffffffffu, largest, apart));
  if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = largest;
  const bool all_finite = __syncthreads_and(finite);
  for (uint32_t warp = 0; warp < blockDim.x / kWarp; ++warp) take(of_warps[warp]);
  __syncthreads();
  return all_finite ? scale_for(largest) : not_a_number();
}

PT_DEVICE void load(const char* from, bool wide, int64_t count, double* to) {
  by_threads(0, count, [=](int64_t i) { to[i] = element(from, wide, i); });
}
PT_DEVICE void store(char* to, bool wide, int64_t count, const double* from) {
  by_threads(0, count, [=](int64_t i) { put(to, wide, i, from[i]); });
}
PT_DEVICE void put_nan(char* to, bool wide, int64_t count) {
  by_threads(0, count, [=](int64_t i) { put(to, wide, i, not_a_number()); });
}
PT_DEVICE void multiply(double* x, double by, int64_t count) {
  by_threads(0, count, [=](int64_t i) { x[i] *= by; });
}
PT_DEVICE void identity(double* x, int64_t rows, int64_t columns) {
  by_warps(0, rows, [=](int64_t i) { by_lanes(0, columns, [=](int64_t j) { x[i * columns + j] = i == j; }); });
}
// (x + x^T) / 2, which is x itself where x is symmetric.
PT_DEVICE void load_symmetric(const FactorDesc& d, const char* from, double* to) {
  const int64_t n = d.columns;
  const bool wide = d.wide;
  by_warps(0, n, [=](int64_t i) {
    by_lanes(i, n, [=](int64_t j) {
      const double a = element(from, wide, i * n + j), b = element(from, wide, j * n + i);
      to[i * n + j] = to[j * n + i] = i == j ? a : 0.5 * a + 0.5 * b;
    });
  });
}

}  // namespace pt::cuda
