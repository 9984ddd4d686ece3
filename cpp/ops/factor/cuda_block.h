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

PT_DEVICE double of_lane(double x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
PT_DEVICE Complex of_lane(Complex x, int lane) { return {of_lane(x.re, lane), of_lane(x.im, lane)}; }
PT_DEVICE double from_behind(double x, int apart) { return __shfl_down_sync(0xffffffffu, x, apart); }
PT_DEVICE Complex from_behind(Complex x, int apart) { return {from_behind(x.re, apart), from_behind(x.im, apart)}; }

// Of a warp: each thread has one of the lanes, and all of them get the sum. Of complex numbers the conjugates of a
// count.
template <class E>
PT_DEVICE E dot(const E* a, const E* b, int64_t n, int64_t stride = 1) {
  E sum{0};
  by_lanes(0, n, [&](int64_t i) { sum += conjugate(a[i * stride]) * b[i * stride]; });
  for (int apart = kWarp / 2; apart > 0; apart /= 2) sum += from_behind(sum, apart);
  return of_lane(sum, 0);
}
template <class E>
PT_DEVICE double sum_of_squares(const E* x, int64_t n, int64_t stride = 1) {
  return real_of(dot(x, x, n, stride));
}

// NaN where an element is no finite number. With barriers, also behind.
template <class E>
PT_DEVICE double scale_of(const E* numbers, int64_t elements) {
  const double* x = reinterpret_cast<const double*>(numbers);
  const int64_t count = kParts<E> * elements;
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

template <class E>
PT_DEVICE void load(const char* from, bool wide, int64_t count, E* to) {
  by_threads(0, count, [=](int64_t i) { to[i] = element<E>(from, wide, i); });
}
template <class E>
PT_DEVICE void store(char* to, bool wide, int64_t count, const E* from) {
  by_threads(0, count, [=](int64_t i) { put(to, wide, i, from[i]); });
}
// Of `count` numbers of double or float.
PT_DEVICE void put_nan(char* to, bool wide, int64_t count) {
  by_threads(0, count, [=](int64_t i) { put(to, wide, i, not_a_number()); });
}
template <class E>
PT_DEVICE void multiply(E* x, double by, int64_t count) {
  by_threads(0, count, [=](int64_t i) { x[i] *= by; });
}
template <class E>
PT_DEVICE void identity(E* x, int64_t rows, int64_t columns) {
  by_warps(0, rows,
           [=](int64_t i) { by_lanes(0, columns, [=](int64_t j) { x[i * columns + j] = E{i == j ? 1.0 : 0.0}; }); });
}
// (x + x^H) / 2, which is x itself where x is symmetric or Hermitian.
template <class E>
PT_DEVICE void load_hermitian(const FactorDesc& d, const char* from, E* to) {
  const int64_t n = d.columns;
  const bool wide = d.wide;
  by_warps(0, n, [=](int64_t i) {
    by_lanes(i, n, [=](int64_t j) {
      const E a = element<E>(from, wide, i * n + j), b = conjugate(element<E>(from, wide, j * n + i));
      const E both = i == j ? E{real_of(a)} : 0.5 * a + 0.5 * b;
      to[i * n + j] = both;
      if (i != j) to[j * n + i] = conjugate(both);
    });
  });
}

}  // namespace pt::cuda
