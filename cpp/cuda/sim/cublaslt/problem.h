// A product as cuBLASLt is asked for it, checked: D = epilogue(alpha op(A) op(B) + beta C).
#pragma once
#include <string>

#include "cuda/sim/cublaslt/descriptors.h"

namespace pt::simcublas {

struct Problem {
  Operation operation;
  Layout a, b, c, d;
  int64_t m = 0, n = 0, k = 0;

  bool has(uint32_t bits) const { return (operation.epilogue & bits) == bits; }
  bool relu() const { return operation.epilogue & 2; }
  bool bias() const { return operation.epilogue & 4; }
  bool gelu() const { return operation.epilogue & 32; }
  bool relu_gradient() const { return operation.epilogue & 8; }
  bool gelu_gradient() const { return operation.epilogue & 64; }
  bool bias_gradient() const { return operation.epilogue & 16; }
  bool aux() const { return operation.epilogue & 128; }
};

int bytes_of(int32_t type);                 // of an element; 0: not simulated
int64_t elements_of(const Layout& layout);  // from the first to the last of all batches

// What is wrong, with the status that cuBLASLt answers; an empty text: nothing.
struct Verdict {
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  std::string text;
};
Verdict check(Problem& problem);

void multiply(const Problem& problem, double alpha, double beta, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

}  // namespace pt::simcublas
