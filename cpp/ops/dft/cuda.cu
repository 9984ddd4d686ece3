// A block for each line: its threads do the CPU's steps together, for other indices each, so the bits are the CPU's. A
// line and its next step lie in shared memory, or in the workspace. Tables are made first, by a launch of their own.
#include "cuda/kernel.h"
#include "ops/dft/cuda_desc.h"
#include "ops/dft/ends.h"
#include "ops/dft/roots.h"

namespace pt::cuda {
namespace {

using namespace pt::PT_ISA;

struct ByThreads {
  template <class F>
  PT_FN void operator()(int64_t n, const F& f) const {
    for (int64_t k = threadIdx.x; k < n; k += blockDim.x) f(k);
  }
};

template <int R>
PT_DEVICE void divide_by(const Step& step, Line x, Line y) {
  const uint32_t stride = uint32_t(step.stride), all = uint32_t(step.left / R) * stride;
  for (uint32_t i = threadIdx.x; i < all; i += blockDim.x) {
    const uint32_t p = i / stride, q = i - p * stride;
    double wr[R], wi[R];
    if (p == 0) {
      divide_one<R, false>(step, x, y, 0, q, wr, wi);
    } else {
      roots_at<R>(step, p, wr, wi);
      divide_one<R, true>(step, x, y, p, q, wr, wi);
    }
  }
}

PT_DEVICE void divide_by_prime(const Step& step, int64_t r, Line x, Line y) {
  const uint32_t stride = uint32_t(step.stride), all = uint32_t(step.left) * stride;
  for (uint32_t i = threadIdx.x; i < all; i += blockDim.x) {
    const uint32_t pair = i / stride, p = pair / uint32_t(r);
    divide_one_by_prime(step, r, x, y, p, pair - p * uint32_t(r), i - pair * stride);
  }
}

// The result is in x or in y, as the returned line says. Before and behind are barriers.
PT_DEVICE Line transform(const DftDesc& d, const double* roots, Line x, Line y) {
  Step step{d.length, 1, 1, roots};
  for (int f = 0; f < d.n_factors; ++f) {
    const int32_t r = d.factors[f];
    if (r == 2) divide_by<2>(step, x, y);
    if (r == 3) divide_by<3>(step, x, y);
    if (r == 4) divide_by<4>(step, x, y);
    if (r == 5) divide_by<5>(step, x, y);
    if (r > 5) divide_by_prime(step, r, x, y);
    __syncthreads();
    const Line other = x;
    x = y;
    y = other;
    step = after(step, r);
  }
  return x;
}

// x holds n numbers and zeros behind them.
PT_DEVICE Line convolve(const DftDesc& d, const DftTables& tables, Line x, Line y, Line chirp) {
  const ByThreads each{};
  each(d.n, [=](int64_t k) { times_chirp(tables.chirp, x, k); });
  __syncthreads();
  const Line made = transform(d, tables.roots, x, y);
  const Line other = made.re == x.re ? y : x;
  each(d.length, [=](int64_t k) { times_one(made, chirp, k); });
  __syncthreads();
  // Back by the same transform, with the parts changed about.
  const Line back = transform(d, tables.roots, {made.im, made.re}, {other.im, other.re});
  const Line result{back.im, back.re};
  each(d.n, [=](int64_t k) { times_chirp(tables.chirp, result, k); });
  __syncthreads();
  return result;
}

PT_DEVICE Line line_at(double* memory, int64_t length) { return {memory, memory + length}; }

PT_DEVICE double* scratch_of(const DftLaunch& p, double* workspace) {
  PT_DYNAMIC_SHARED(double, shared);
  return p.in_shared ? shared : workspace + p.scratch + blockIdx.x * 4 * p.d.length;
}

// Operand: the workspace.
PT_DEVICE void make_tables(const Operands<1>& operands, const DftLaunch& p) {
  Root* roots = reinterpret_cast<Root*>(operands.at[0]);
  for (int64_t i = global_thread(); i < p.d.table_size(); i += global_threads()) roots[i] = table_root(p.d, i);
}

// The transform of the conjugate chirp, by one block. Operand: the workspace.
PT_DEVICE void transform_chirp(const Operands<1>& operands, const DftLaunch& p) {
  const DftDesc& d = p.d;
  double *workspace = reinterpret_cast<double*>(operands.at[0]), *scratch = scratch_of(p, workspace);
  const DftTables tables = d.tables(workspace);
  const Line x = line_at(scratch, d.length), y = line_at(scratch + 2 * d.length, d.length);
  const Line result = line_at(workspace + p.chirp, d.length);
  const ByThreads each{};
  each(d.length, [=](int64_t k) { put_chirp(p.d, tables.chirp, x, k); });
  __syncthreads();
  const Line made = transform(d, tables.roots, x, y);
  each(d.length, [=](int64_t k) {
    result.re[k] = made.re[k];
    result.im[k] = made.im[k];
  });
}

// Operands: lines before and after, the workspace.
template <class T>
PT_DEVICE void transform_lines(const Operands<3>& operands, const DftLaunch& p) {
  const DftDesc& d = p.d;
  double *workspace = reinterpret_cast<double*>(operands.at[2]), *scratch = scratch_of(p, workspace);
  const DftTables tables = d.tables(workspace);
  const Line x = line_at(scratch, d.length), y = line_at(scratch + 2 * d.length, d.length);
  const Line chirp = line_at(workspace + p.chirp, d.length);
  const ByThreads each{};
  for (int64_t i = blockIdx.x; i < d.lines; i += gridDim.x) {
    load_line(each, d, tables, reinterpret_cast<const T*>(operands.at[0]) + d.from_step * i, turned(x, d.inverse));
    for (int64_t k = d.n + threadIdx.x; k < d.length; k += blockDim.x) x.re[k] = x.im[k] = 0;
    __syncthreads();
    const Line made = d.by_convolution ? convolve(d, tables, x, y, chirp) : transform(d, tables.roots, x, y);
    store_line(each, d, tables, turned(made, d.inverse), reinterpret_cast<T*>(operands.at[1]) + d.to_step * i);
    __syncthreads();
  }
}

}  // namespace
}  // namespace pt::cuda

using pt::cuda::DftLaunch;

PT_CUDA_KERNEL(dft_tables, 1, DftLaunch, 256) { pt::cuda::make_tables(operands, params); }
PT_CUDA_KERNEL(dft_chirp, 1, DftLaunch, 512) { pt::cuda::transform_chirp(operands, params); }
PT_CUDA_KERNEL(dft_lines_f32, 3, DftLaunch, 512) { pt::cuda::transform_lines<float>(operands, params); }
PT_CUDA_KERNEL(dft_lines_f64, 3, DftLaunch, 512) { pt::cuda::transform_lines<double>(operands, params); }
