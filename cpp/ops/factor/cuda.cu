// A block for each matrix, in double and with the bits of the CPU. The work lies in shared memory where it fits.
#include "cuda/kernel.h"
#include "ops/factor/cuda_desc.h"
#include "ops/factor/cuda_jacobi.h"

namespace pt::cuda {
namespace {

// f(at, work) for each matrix: at(operand, elements) is its part of an operand that has so many elements for each.
template <int kCount, class F>
PT_DEVICE void each_matrix(const Operands<kCount>& operands, const FactorLaunch& p, const F& f) {
  PT_DYNAMIC_SHARED(double, shared);
  double* const workspace = reinterpret_cast<double*>(operands.at[kCount - 1]);
  double* const work = p.in_shared ? shared : workspace + blockIdx.x * p.d.work;
  for (int64_t i = blockIdx.x; i < p.d.matrices; i += gridDim.x) {
    f([&](int operand, int64_t elements) { return operands.at[operand] + i * elements * (p.d.wide ? 8 : 4); },
      [&](int operand, int64_t elements) { return reinterpret_cast<int64_t*>(operands.at[operand]) + i * elements; },
      work);
    __syncthreads();
  }
}

}  // namespace
}  // namespace pt::cuda

using pt::cuda::FactorLaunch;

PT_CUDA_KERNEL(factor_cholesky, 3, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  pt::cuda::each_matrix(operands, params, [&](auto at, auto, double* work) {
    pt::cuda::cholesky(d, at(0, d.columns * d.columns), at(1, d.columns * d.columns), work);
  });
}
PT_CUDA_KERNEL(factor_solve, 4, FactorLaunch, 256) {
  const pt::FactorDesc& d = params.d;
  pt::cuda::each_matrix(operands, params, [&](auto at, auto, double* work) {
    const int64_t side = d.rows * d.right;
    pt::cuda::triangular_solve(d, at(0, d.rows * d.columns), at(1, side), at(2, side), work);
  });
}
PT_CUDA_KERNEL(factor_lu, 5, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  pt::cuda::each_matrix(operands, params, [&](auto at, auto integers_at, double* work) {
    const int64_t n = d.columns;
    pt::cuda::lu(d, at(0, n * n), at(1, n * n), integers_at(2, n), at(3, 1), work);
  });
}
PT_CUDA_KERNEL(factor_qr, 4, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  pt::cuda::each_matrix(operands, params, [&](auto at, auto, double* work) {
    const int64_t least = d.rows < d.columns ? d.rows : d.columns;
    pt::cuda::qr(d, at(0, d.rows * d.columns), at(1, d.rows * least), at(2, least * d.columns), work);
  });
}
PT_CUDA_KERNEL(factor_eigh, 4, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  pt::cuda::each_matrix(operands, params, [&](auto at, auto, double* work) {
    const int64_t n = d.columns;
    pt::cuda::eigh(d, at(0, n * n), at(1, n), at(2, n * n), work);
  });
}
PT_CUDA_KERNEL(factor_svd, 5, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  pt::cuda::each_matrix(operands, params, [&](auto at, auto, double* work) {
    const int64_t n = d.columns, all = d.rows * n;
    pt::cuda::svd(d, at(0, all), at(1, all), at(2, n), at(3, n * n), work);
  });
}
PT_CUDA_KERNEL(factor_eigenbasis, 6, FactorLaunch, 256, 1) {
  const pt::FactorDesc& d = params.d;
  const int64_t due = *reinterpret_cast<const int64_t*>(operands.at[2]);
  pt::cuda::each_matrix(operands, params, [&](auto at, auto integers_at, double* work) {
    const int64_t n = d.columns;
    pt::cuda::eigenbasis(d, at(0, n * n), at(1, n * n), due, at(3, n * n), integers_at(4, n), work);
  });
}
