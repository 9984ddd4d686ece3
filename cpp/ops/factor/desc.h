#pragma once
#include <stdint.h>

namespace pt {

enum class FactorKind : uint8_t { Cholesky, TriangularSolve, Qr, Eigh, Svd, Lu, Eigenbasis };

// One factorisation for each matrix of a batch, all row-major.
struct FactorDesc {
  FactorKind kind;
  bool wide;              // f64 or c128, else f32 or c64
  bool is_complex;        // c64 or c128
  bool upper;             // the triangle that is read (a solve), or written (Cholesky)
  bool transposed, unit;  // of a solve: the matrix is transposed; its diagonal counts as ones
  int64_t rows, columns;  // of the matrix
  int64_t right;          // of a solve: columns of the right side
  int64_t matrices;
  int64_t work;  // doubles of the workspace for one matrix
};

}  // namespace pt
