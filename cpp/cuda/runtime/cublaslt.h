// NVIDIA's cuBLASLt, opened while the program runs. It may be missing.
#pragma once
#include <string>

#include "cuda/cublaslt_api.h"

namespace pt::cuda {

// All that the runtime calls.
// clang-format off
#define PT_CUBLASLT(X) \
  X(cublasLtGetVersion) X(cublasLtGetStatusName) X(cublasLtCreate) X(cublasLtDestroy) X(cublasLtMatmulDescCreate) \
  X(cublasLtMatmulDescDestroy) X(cublasLtMatmulDescSetAttribute) X(cublasLtMatrixLayoutCreate) \
  X(cublasLtMatrixLayoutDestroy) X(cublasLtMatrixLayoutSetAttribute) X(cublasLtMatmulPreferenceCreate) \
  X(cublasLtMatmulPreferenceDestroy) X(cublasLtMatmulPreferenceSetAttribute) X(cublasLtMatmulAlgoGetHeuristic) \
  X(cublasLtMatmulAlgoCheck) \
  X(cublasLtMatmul)
// clang-format on

struct CublasLt {
#define PT_MEMBER(name) decltype(&::name) name = nullptr;
  PT_CUBLASLT(PT_MEMBER)
#undef PT_MEMBER
  int version = 0;  // 120903 is 12.9.3

  std::string about() const;  // "cuBLASLt 12.9.3"
};

// nullptr where there is none, or POWERTRAIN_CUBLASLT=0 says so; why, if one was found that cannot be used. Throws
// where POWERTRAIN_CUBLASLT names one that cannot be used.
const CublasLt* cublaslt(std::string* why_not = nullptr);

}  // namespace pt::cuda
