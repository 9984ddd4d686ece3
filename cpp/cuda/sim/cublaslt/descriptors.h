// The descriptors of cuBLASLt: what a program says of a product before it asks for it.
#pragma once
#pragma GCC visibility push(default)
#include <cublasLt.h>
#pragma GCC visibility pop

#include <cstdint>

namespace pt::simcublas {

struct Operation {
  int32_t compute_type = 0, scale_type = 0, pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  int32_t trans_a = CUBLAS_OP_N, trans_b = CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
  int64_t bias_batch_stride = 0;
  int32_t bias_type = -1;
  void* aux = nullptr;
  int64_t aux_ld = 0, aux_batch_stride = 0;
  int32_t aux_type = -1;
};

struct Layout {
  int32_t type = 0, order = CUBLASLT_ORDER_COL;
  uint64_t rows = 0, cols = 0;
  int64_t ld = 0;
  int32_t batch = 1;
  int64_t batch_stride = 0;  // in elements

  bool operator==(const Layout&) const = default;
};

struct Preference {
  uint32_t search_mode = CUBLASLT_SEARCH_BEST_FIT;
  uint64_t workspace = 0;
  uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
  uint32_t alignment_a = 256, alignment_b = 256, alignment_c = 256, alignment_d = 256;
};

// Null for a handle that was not created here, or destroyed.
const Operation* operation_of(cublasLtMatmulDesc_t handle);
const Layout* layout_of(cublasLtMatrixLayout_t handle);
const Preference* preference_of(cublasLtMatmulPreference_t handle);
bool is_handle(cublasLtHandle_t handle);

}  // namespace pt::simcublas
