// One matrix for each chunk, over a workspace of doubles, or of pairs of them where the matrix is complex. The loops of
// both are the same.
#include "core/kernel.h"
#include "ops/factor/cpu_jacobi.h"

namespace pt {
namespace PT_ISA {
namespace {

template <class E>
void factor_one(const KernelArgs* args, int64_t chunk, const FactorDesc& d) {
  const int64_t bytes = d.wide ? 8 : 4, least = d.rows < d.columns ? d.rows : d.columns, n = d.columns;
  const auto numbers = [&](int operand, int64_t count) { return args->data[operand] + chunk * count * bytes; };
  const auto matrix = [&](int operand, int64_t elements) { return numbers(operand, kParts<E> * elements); };
  const auto integers = [&](int operand, int64_t count) {
    return reinterpret_cast<int64_t*>(args->data[operand]) + chunk * count;
  };
  const auto work = [&](int operand) {
    return reinterpret_cast<E*>(reinterpret_cast<double*>(args->data[operand]) + chunk * d.work);
  };
  const int64_t all = d.rows * n;
  const char* in = matrix(0, all);
  switch (d.kind) {
    case FactorKind::Cholesky:
      return cholesky(d, in, matrix(1, all), work(2));
    case FactorKind::TriangularSolve:
      return triangular_solve(d, in, matrix(1, d.rows * d.right), matrix(2, d.rows * d.right), work(3));
    case FactorKind::Qr:
      return qr(d, in, matrix(1, d.rows * least), matrix(2, least * n), work(3));
    case FactorKind::Eigh:
      return eigh(d, in, numbers(1, n), matrix(2, all), work(3));
    case FactorKind::Svd:
      return svd(d, in, matrix(1, all), numbers(2, n), matrix(3, n * n), work(4));
    case FactorKind::Lu:
      return lu(d, in, matrix(1, all), integers(2, n), matrix(3, 1), work(4));
    case FactorKind::Eigenbasis:
      return eigenbasis(d, in, matrix(1, all), *integers(2, 0), matrix(3, all), integers(4, n),
                        reinterpret_cast<double*>(work(5)));
  }
}

void factor(const KernelArgs* args, int64_t chunk) {
  const FactorDesc& d = *static_cast<const FactorDesc*>(args->desc);
  if (d.is_complex) {
    factor_one<Complex>(args, chunk, d);
  } else {
    factor_one<double>(args, chunk, d);
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(factor, pt::PT_ISA::factor);
