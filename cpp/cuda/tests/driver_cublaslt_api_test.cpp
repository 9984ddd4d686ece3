// What cuda/cublaslt_api.h declares is what NVIDIA's own header says.
#include <cstdio>

#if defined(PT_NVIDIA_CUBLASLT)
#include <cublasLt.h>
#include <stddef.h>
#include <stdint.h>

#include <type_traits>

namespace declared {
#define PT_CUBLASLT_VALUES_ALONE
#include "cuda/cublaslt_api.h"
}  // namespace declared

#define SAME(name, value) static_assert(int(declared::name) == int(::name));
PT_CUBLASLT_STATUS(SAME)
PT_CUBLASLT_OPERATION(SAME)
PT_CUBLASLT_COMPUTE(SAME)
PT_CUBLASLT_DATA_TYPE(SAME)
PT_CUBLASLT_POINTER_MODE(SAME)
PT_CUBLASLT_ORDER(SAME)
PT_CUBLASLT_LAYOUT(SAME)
PT_CUBLASLT_DESC(SAME)
PT_CUBLASLT_REDUCTION(SAME)
PT_CUBLASLT_EPILOGUE(SAME)
PT_CUBLASLT_SEARCH(SAME)
PT_CUBLASLT_PREFERENCE(SAME)
#undef SAME
static_assert(sizeof(declared::cublasLtMatmulAlgo_t) == sizeof(::cublasLtMatmulAlgo_t));
static_assert(sizeof(declared::cublasLtMatmulHeuristicResult_t) == sizeof(::cublasLtMatmulHeuristicResult_t));
#define SAME(field)                                                           \
  static_assert(offsetof(declared::cublasLtMatmulHeuristicResult_t, field) == \
                offsetof(::cublasLtMatmulHeuristicResult_t, field));
SAME(algo)
SAME(workspaceSize)
SAME(state)
SAME(wavesCount)

// The functions, as the runtime calls them.
static_assert(std::is_same_v<decltype(&::cublasLtGetVersion), size_t (*)()>);
static_assert(std::is_same_v<decltype(&::cublasLtGetStatusName), const char* (*)(cublasStatus_t)>);
static_assert(std::is_same_v<decltype(&::cublasLtCreate), cublasStatus_t (*)(cublasLtHandle_t*)>);
static_assert(std::is_same_v<decltype(&::cublasLtDestroy), cublasStatus_t (*)(cublasLtHandle_t)>);
static_assert(std::is_same_v<decltype(&::cublasLtMatmulDescCreate),
                             cublasStatus_t (*)(cublasLtMatmulDesc_t*, cublasComputeType_t, cudaDataType_t)>);
static_assert(std::is_same_v<decltype(&::cublasLtMatrixLayoutCreate),
                             cublasStatus_t (*)(cublasLtMatrixLayout_t*, cudaDataType, uint64_t, uint64_t, int64_t)>);
static_assert(
    std::is_same_v<decltype(&::cublasLtMatmulPreferenceCreate), cublasStatus_t (*)(cublasLtMatmulPreference_t*)>);
static_assert(
    std::is_same_v<decltype(&::cublasLtMatmulAlgoGetHeuristic),
                   cublasStatus_t (*)(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                      cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                      cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t*, int*)>);
static_assert(std::is_same_v<decltype(&::cublasLtMatmulAlgoCheck),
                             cublasStatus_t (*)(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                                cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                                const cublasLtMatmulAlgo_t*, cublasLtMatmulHeuristicResult_t*)>);
static_assert(
    std::is_same_v<decltype(&::cublasLtMatmul),
                   cublasStatus_t (*)(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*,
                                      cublasLtMatrixLayout_t, const void*, cublasLtMatrixLayout_t, const void*,
                                      const void*, cublasLtMatrixLayout_t, void*, cublasLtMatrixLayout_t,
                                      const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t)>);

int main() { std::puts("compared with NVIDIA's cublasLt.h when it was compiled"); }

#else

int main() { std::puts("skipped: there is no cublasLt.h"); }

#endif
