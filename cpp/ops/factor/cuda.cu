// A block for each matrix, in double and with the bits of the CPU. The work lies in shared memory where it fits.
// Kernels of complex matrices are apart, since they take more registers.
#include "cuda/kernel.h"
#include "ops/factor/cuda_desc.h"
#include "ops/factor/cuda_jacobi.h"

namespace pt::cuda {
namespace {

// f(matrix, numbers, integers, work) for each matrix: matrix(operand, elements) is its part of an operand that has so
// many elements for each, numbers that of a real one, integers that of one of int64.
template <class E, int kCount, class F>
PT_DEVICE void each_matrix(const Operands<kCount>& operands, const FactorLaunch& p, const F& f) {
  PT_DYNAMIC_SHARED(double, shared);
  double* const workspace = reinterpret_cast<double*>(operands.at[kCount - 1]);
  double* const work = p.in_shared ? shared : workspace + blockIdx.x * p.d.work;
  for (int64_t i = blockIdx.x; i < p.d.matrices; i += gridDim.x) {
    const auto numbers = [&](int operand, int64_t count) {
      return operands.at[operand] + i * count * (p.d.wide ? 8 : 4);
    };
    f([&](int operand, int64_t elements) { return numbers(operand, kParts<E> * elements); }, numbers,
      [&](int operand, int64_t count) { return reinterpret_cast<int64_t*>(operands.at[operand]) + i * count; },
      reinterpret_cast<E*>(work));
    __syncthreads();
  }
}

template <class E>
PT_DEVICE void cholesky_each(const Operands<3>& operands, const FactorLaunch& params) {
  const FactorDesc& d = params.d;
  each_matrix<E>(operands, params, [&](auto matrix, auto, auto, E* work) {
    cholesky(d, matrix(0, d.columns * d.columns), matrix(1, d.columns * d.columns), work);
  });
}
template <class E>
PT_DEVICE void solve_each(const Operands<4>& operands, const FactorLaunch& params) {
  const FactorDesc& d = params.d;
  each_matrix<E>(operands, params, [&](auto matrix, auto, auto, E* work) {
    const int64_t side = d.rows * d.right;
    triangular_solve(d, matrix(0, d.rows * d.columns), matrix(1, side), matrix(2, side), work);
  });
}
template <class E>
PT_DEVICE void lu_each(const Operands<5>& operands, const FactorLaunch& params) {
  const FactorDesc& d = params.d;
  each_matrix<E>(operands, params, [&](auto matrix, auto, auto integers, E* work) {
    const int64_t n = d.columns;
    lu(d, matrix(0, n * n), matrix(1, n * n), integers(2, n), matrix(3, 1), work);
  });
}
template <class E>
PT_DEVICE void qr_each(const Operands<4>& operands, const FactorLaunch& params) {
  const FactorDesc& d = params.d;
  each_matrix<E>(operands, params, [&](auto matrix, auto, auto, E* work) {
    const int64_t least = d.rows < d.columns ? d.rows : d.columns;
    qr(d, matrix(0, d.rows * d.columns), matrix(1, d.rows * least), matrix(2, least * d.columns), work);
  });
}
template <class E>
PT_DEVICE void eigh_each(const Operands<4>& operands, const FactorLaunch& params) {
  const FactorDesc& d = params.d;
  each_matrix<E>(operands, params, [&](auto matrix, auto numbers, auto, E* work) {
    const int64_t n = d.columns;
    eigh(d, matrix(0, n * n), numbers(1, n), matrix(2, n * n), work);
  });
}
template <class E>
PT_DEVICE void svd_each(const Operands<5>& operands, const FactorLaunch& params) {
  const FactorDesc& d = params.d;
  each_matrix<E>(operands, params, [&](auto matrix, auto numbers, auto, E* work) {
    const int64_t n = d.columns, all = d.rows * n;
    svd(d, matrix(0, all), matrix(1, all), numbers(2, n), matrix(3, n * n), work);
  });
}

}  // namespace
}  // namespace pt::cuda

using pt::cuda::Complex;
using pt::cuda::FactorLaunch;

PT_CUDA_KERNEL(factor_cholesky, 3, FactorLaunch, 256, 1) { pt::cuda::cholesky_each<double>(operands, params); }
PT_CUDA_KERNEL(factor_cholesky_complex, 3, FactorLaunch, 256, 1) { pt::cuda::cholesky_each<Complex>(operands, params); }
PT_CUDA_KERNEL(factor_solve, 4, FactorLaunch, 256) { pt::cuda::solve_each<double>(operands, params); }
PT_CUDA_KERNEL(factor_solve_complex, 4, FactorLaunch, 256) { pt::cuda::solve_each<Complex>(operands, params); }
PT_CUDA_KERNEL(factor_lu, 5, FactorLaunch, 256, 1) { pt::cuda::lu_each<double>(operands, params); }
PT_CUDA_KERNEL(factor_lu_complex, 5, FactorLaunch, 256, 1) { pt::cuda::lu_each<Complex>(operands, params); }
PT_CUDA_KERNEL(factor_qr, 4, FactorLaunch, 256, 1) { pt::cuda::qr_each<double>(operands, params); }
PT_CUDA_KERNEL(factor_qr_complex, 4, FactorLaunch, 256, 1) { pt::cuda::qr_each<Complex>(operands, params); }
PT_CUDA_KERNEL(factor_eigh, 4, FactorLaunch, 256, 1) { pt::cuda::eigh_each<double>(operands, params); }
PT_CUDA_KERNEL(factor_eigh_complex, 4, FactorLaunch, 256, 1) { pt::cuda::eigh_each<Complex>(operands, params); }
PT_CUDA_KERNEL(factor_svd, 5, FactorLaunch, 256, 1) { pt::cuda::svd_each<double>(operands, params); }
PT_CUDA_KERNEL(factor_svd_complex, 5, FactorLaunch, 256, 1) { pt::cuda::svd_each<Complex>(operands, params); }

PT_CUDA_KERNEL(factor_eigenbasis, 6, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  const int64_t due = *reinterpret_cast<const int64_t*>(operands.at[2]);
  pt::cuda::each_matrix<double>(operands, params, [&](auto matrix, auto, auto integers, double* work) {
    const int64_t n = d.columns;
    pt::cuda::eigenbasis(d, matrix(0, n * n), matrix(1, n * n), due, matrix(3, n * n), integers(4, n), work);
  });
}
