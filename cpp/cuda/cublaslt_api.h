// What is used of cuBLASLt, as cublasLt.h declares it. NVIDIA's header comes with a library of 700 MB that few machines
// have; this one lets the runtime and the simulated library compile without it. tests/driver_cublaslt_api_test.cpp
// compares the two where both are.
#pragma once
#include <stddef.h>
#include <stdint.h>

// clang-format off
#define PT_CUBLASLT_STATUS(X) \
  X(CUBLAS_STATUS_SUCCESS, 0) X(CUBLAS_STATUS_NOT_INITIALIZED, 1) X(CUBLAS_STATUS_ALLOC_FAILED, 3) \
  X(CUBLAS_STATUS_INVALID_VALUE, 7) X(CUBLAS_STATUS_ARCH_MISMATCH, 8) X(CUBLAS_STATUS_EXECUTION_FAILED, 13) \
  X(CUBLAS_STATUS_INTERNAL_ERROR, 14) X(CUBLAS_STATUS_NOT_SUPPORTED, 15)
#define PT_CUBLASLT_OPERATION(X) X(CUBLAS_OP_N, 0) X(CUBLAS_OP_T, 1)
#define PT_CUBLASLT_COMPUTE(X) \
  X(CUBLAS_COMPUTE_32F, 68) X(CUBLAS_COMPUTE_32F_PEDANTIC, 69) X(CUBLAS_COMPUTE_32F_FAST_TF32, 77) \
  X(CUBLAS_COMPUTE_64F, 70)
#define PT_CUBLASLT_DATA_TYPE(X) X(CUDA_R_32F, 0) X(CUDA_R_64F, 1) X(CUDA_R_16F, 2) X(CUDA_R_16BF, 14)
#define PT_CUBLASLT_POINTER_MODE(X) X(CUBLASLT_POINTER_MODE_HOST, 0)
#define PT_CUBLASLT_ORDER(X) X(CUBLASLT_ORDER_COL, 0) X(CUBLASLT_ORDER_ROW, 1)
#define PT_CUBLASLT_LAYOUT(X) \
  X(CUBLASLT_MATRIX_LAYOUT_TYPE, 0) X(CUBLASLT_MATRIX_LAYOUT_ORDER, 1) X(CUBLASLT_MATRIX_LAYOUT_ROWS, 2) \
  X(CUBLASLT_MATRIX_LAYOUT_COLS, 3) X(CUBLASLT_MATRIX_LAYOUT_LD, 4) X(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 5) \
  X(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 6)
#define PT_CUBLASLT_DESC(X) \
  X(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, 0) X(CUBLASLT_MATMUL_DESC_SCALE_TYPE, 1) \
  X(CUBLASLT_MATMUL_DESC_POINTER_MODE, 2) X(CUBLASLT_MATMUL_DESC_TRANSA, 3) X(CUBLASLT_MATMUL_DESC_TRANSB, 4) \
  X(CUBLASLT_MATMUL_DESC_EPILOGUE, 7) X(CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8) \
  X(CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, 10) X(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, 11) \
  X(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, 12) X(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, 13) \
  X(CUBLASLT_MATMUL_DESC_AMAX_D_POINTER, 21) X(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE, 22) \
  X(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, 26)
#define PT_CUBLASLT_REDUCTION(X) \
  X(CUBLASLT_REDUCTION_SCHEME_NONE, 0) X(CUBLASLT_REDUCTION_SCHEME_INPLACE, 1) \
  X(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 2) X(CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE, 4) \
  X(CUBLASLT_REDUCTION_SCHEME_MASK, 7)
#define PT_CUBLASLT_EPILOGUE(X) \
  X(CUBLASLT_EPILOGUE_DEFAULT, 1) X(CUBLASLT_EPILOGUE_RELU, 2) X(CUBLASLT_EPILOGUE_RELU_AUX, 130) \
  X(CUBLASLT_EPILOGUE_BIAS, 4) X(CUBLASLT_EPILOGUE_RELU_BIAS, 6) X(CUBLASLT_EPILOGUE_RELU_AUX_BIAS, 134) \
  X(CUBLASLT_EPILOGUE_DRELU, 136) X(CUBLASLT_EPILOGUE_DRELU_BGRAD, 152) X(CUBLASLT_EPILOGUE_GELU, 32) \
  X(CUBLASLT_EPILOGUE_GELU_AUX, 160) X(CUBLASLT_EPILOGUE_GELU_BIAS, 36) X(CUBLASLT_EPILOGUE_GELU_AUX_BIAS, 164) \
  X(CUBLASLT_EPILOGUE_DGELU, 192) X(CUBLASLT_EPILOGUE_DGELU_BGRAD, 208) X(CUBLASLT_EPILOGUE_BGRADA, 256) \
  X(CUBLASLT_EPILOGUE_BGRADB, 512)
#define PT_CUBLASLT_SEARCH(X) X(CUBLASLT_SEARCH_BEST_FIT, 0)
#define PT_CUBLASLT_PREFERENCE(X) \
  X(CUBLASLT_MATMUL_PREF_SEARCH_MODE, 0) X(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 1) \
  X(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, 3) X(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 5) \
  X(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 6) X(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 7) \
  X(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 8)
// clang-format on

#define PT_CUBLASLT_VALUE(name, value) name = value,
typedef enum { PT_CUBLASLT_STATUS(PT_CUBLASLT_VALUE) } cublasStatus_t;
typedef enum { PT_CUBLASLT_OPERATION(PT_CUBLASLT_VALUE) } cublasOperation_t;
typedef enum { PT_CUBLASLT_COMPUTE(PT_CUBLASLT_VALUE) } cublasComputeType_t;
typedef enum { PT_CUBLASLT_DATA_TYPE(PT_CUBLASLT_VALUE) } cudaDataType_t;
typedef enum { PT_CUBLASLT_POINTER_MODE(PT_CUBLASLT_VALUE) } cublasLtPointerMode_t;
typedef enum { PT_CUBLASLT_ORDER(PT_CUBLASLT_VALUE) } cublasLtOrder_t;
typedef enum { PT_CUBLASLT_LAYOUT(PT_CUBLASLT_VALUE) } cublasLtMatrixLayoutAttribute_t;
typedef enum { PT_CUBLASLT_DESC(PT_CUBLASLT_VALUE) } cublasLtMatmulDescAttributes_t;
typedef enum { PT_CUBLASLT_REDUCTION(PT_CUBLASLT_VALUE) } cublasLtReductionScheme_t;
typedef enum { PT_CUBLASLT_EPILOGUE(PT_CUBLASLT_VALUE) } cublasLtEpilogue_t;
typedef enum { PT_CUBLASLT_SEARCH(PT_CUBLASLT_VALUE) } cublasLtMatmulSearch_t;
typedef enum { PT_CUBLASLT_PREFERENCE(PT_CUBLASLT_VALUE) } cublasLtMatmulPreferenceAttributes_t;
#undef PT_CUBLASLT_VALUE

typedef struct {
  uint64_t data[8];
} cublasLtMatmulAlgo_t;
typedef struct {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
} cublasLtMatmulHeuristicResult_t;

#ifndef PT_CUBLASLT_VALUES_ALONE  // the test has NVIDIA's functions
#define CUBLAS_VERSION 120903     // that this was taken from
typedef cudaDataType_t cudaDataType;
typedef struct CUstream_st* cudaStream_t;
typedef struct cublasLtContext* cublasLtHandle_t;
typedef struct cublasLtMatmulDescOpaque_t* cublasLtMatmulDesc_t;
typedef struct cublasLtMatrixLayoutOpaque_t* cublasLtMatrixLayout_t;
typedef struct cublasLtMatmulPreferenceOpaque_t* cublasLtMatmulPreference_t;

extern "C" {
size_t cublasLtGetVersion();
const char* cublasLtGetStatusName(cublasStatus_t status);
const char* cublasLtGetStatusString(cublasStatus_t status);
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle);
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle);
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute, cudaDataType_t scale);
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc);
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attribute,
                                              const void* from, size_t bytes);
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type, uint64_t rows, uint64_t cols,
                                          int64_t ld);
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout);
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* from,
                                                size_t bytes);
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made);
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference);
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* from,
                                                    size_t bytes);
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int most,
                                              cublasLtMatmulHeuristicResult_t results[], int* found);
cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t* algo,
                                       cublasLtMatmulHeuristicResult_t* result);
cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream);
}
#endif
