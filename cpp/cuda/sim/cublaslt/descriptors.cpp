#include "cuda/sim/cublaslt/descriptors.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "cuda/sim/cublaslt/orders.h"

namespace pt::simcublas {

namespace {

std::mutex mutex;

template <class T>
std::unordered_map<const void*, std::unique_ptr<T>>& all() {
  static auto& made = *new std::unordered_map<const void*, std::unique_ptr<T>>;
  return made;
}

template <class T>
T* find(const void* handle) {
  std::lock_guard lock(mutex);
  auto found = all<T>().find(handle);
  return found == all<T>().end() ? nullptr : found->second.get();
}

template <class T, class Handle>
cublasStatus_t create(Handle* handle, T value) {
  if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
  auto made = std::make_unique<T>(value);
  std::lock_guard lock(mutex);
  *handle = reinterpret_cast<Handle>(made.get());
  all<T>()[made.get()] = std::move(made);
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t destroy(const void* handle) {
  std::lock_guard lock(mutex);
  return all<T>().erase(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

struct Field {
  void* at = nullptr;  // null: not simulated
  size_t bytes = 0;
};

template <class T>
Field field(T& value) {
  return {&value, sizeof value};
}

Field field_of(Operation& operation, cublasLtMatmulDescAttributes_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return field(operation.compute_type);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return field(operation.scale_type);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return field(operation.pointer_mode);
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return field(operation.trans_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return field(operation.trans_b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return field(operation.epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return field(operation.bias);
    case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
      return field(operation.bias_batch_stride);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return field(operation.bias_type);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
      return field(operation.aux);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
      return field(operation.aux_ld);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE:
      return field(operation.aux_batch_stride);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE:
      return field(operation.aux_type);
    default:
      return {};
  }
}

Field field_of(Layout& layout, cublasLtMatrixLayoutAttribute_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return field(layout.type);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return field(layout.order);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return field(layout.rows);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return field(layout.cols);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return field(layout.ld);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return field(layout.batch);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return field(layout.batch_stride);
    default:
      return {};
  }
}

Field field_of(Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_SEARCH_MODE:
      return field(preference.search_mode);
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return field(preference.workspace);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return field(preference.reductions);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return field(preference.alignment_a);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return field(preference.alignment_b);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return field(preference.alignment_c);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return field(preference.alignment_d);
    default:
      return {};
  }
}

template <class T, class Attribute>
cublasStatus_t set(const void* handle, Attribute attribute, const void* from, size_t bytes) {
  T* descriptor = find<T>(handle);
  if (!descriptor || !from) return CUBLAS_STATUS_INVALID_VALUE;
  const Field target = field_of(*descriptor, attribute);
  if (!target.at) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (bytes != target.bytes) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(target.at, from, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

struct Handle {};

}  // namespace

const Operation* operation_of(cublasLtMatmulDesc_t handle) { return find<Operation>(handle); }
const Layout* layout_of(cublasLtMatrixLayout_t handle) { return find<Layout>(handle); }
const Preference* preference_of(cublasLtMatmulPreference_t handle) { return find<Preference>(handle); }
bool is_handle(cublasLtHandle_t handle) { return find<Handle>(handle) != nullptr; }

}  // namespace pt::simcublas

using namespace pt::simcublas;

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  static std::atomic<uint64_t> calls = 0;
  return ordered_to_fail("fail_create", ++calls) ? CUBLAS_STATUS_NOT_INITIALIZED : create(handle, Handle{});
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy<Handle>(handle); }
size_t cublasLtGetVersion() {
  const uint64_t version = ordered("version");
  return version ? version : CUBLAS_VERSION;
}

const char* cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }
const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    default:
      return "CUBLAS_STATUS unknown";
  }
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* handle, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return create(handle, Operation{.compute_type = compute, .scale_type = scale});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle) { return destroy<Operation>(handle); }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle, cublasLtMatmulDescAttributes_t attribute,
                                              const void* from, size_t bytes) {
  return set<Operation>(handle, attribute, from, bytes);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* handle, cudaDataType type, uint64_t rows,
                                          uint64_t cols, int64_t ld) {
  return create(handle, Layout{.type = type, .rows = rows, .cols = cols, .ld = ld});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle) { return destroy<Layout>(handle); }
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* from,
                                                size_t bytes) {
  return set<Layout>(handle, attribute, from, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* handle) {
  return create(handle, Preference{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle) {
  return destroy<Preference>(handle);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* from,
                                                    size_t bytes) {
  return set<Preference>(handle, attribute, from, bytes);
}
