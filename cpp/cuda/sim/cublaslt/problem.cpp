#include "cuda/sim/cublaslt/problem.h"

namespace pt::simcublas {

namespace {

Verdict wrong(cublasStatus_t status, std::string text) { return {status, std::move(text)}; }

std::string size_text(uint64_t rows, uint64_t cols) { return std::to_string(rows) + " x " + std::to_string(cols); }

Verdict check_layout(const Layout& layout, const std::string& name) {
  if (!bytes_of(layout.type)) return wrong(CUBLAS_STATUS_NOT_SUPPORTED, name + " has a type that is not simulated");
  if (layout.order != CUBLASLT_ORDER_COL && layout.order != CUBLASLT_ORDER_ROW)
    return wrong(CUBLAS_STATUS_NOT_SUPPORTED, name + " is in tiles; expected rows or columns");
  const uint64_t least = layout.order == CUBLASLT_ORDER_COL ? layout.rows : layout.cols;
  if (layout.ld < int64_t(least))
    return wrong(CUBLAS_STATUS_INVALID_VALUE, name + " is " + size_text(layout.rows, layout.cols) +
                                                  " with a leading dimension of " + std::to_string(layout.ld) +
                                                  "; expected at least " + std::to_string(least));
  if (layout.rows == 0 || layout.cols == 0 || layout.batch < 1)
    return wrong(CUBLAS_STATUS_INVALID_VALUE, name + " is empty");
  return {};
}

Verdict check_types(const Problem& problem) {
  const Operation& operation = problem.operation;
  const int32_t in = problem.a.type, out = problem.d.type;
  const bool f32 =
      operation.compute_type == CUBLAS_COMPUTE_32F || operation.compute_type == CUBLAS_COMPUTE_32F_PEDANTIC;
  const bool tf32 = operation.compute_type == CUBLAS_COMPUTE_32F_FAST_TF32;
  const bool f64 = operation.compute_type == CUBLAS_COMPUTE_64F;
  const bool known =
      in == problem.b.type && problem.c.type == out &&
      ((f64 && operation.scale_type == CUDA_R_64F && in == CUDA_R_64F && out == CUDA_R_64F) ||
       (tf32 && operation.scale_type == CUDA_R_32F && in == CUDA_R_32F && out == CUDA_R_32F) ||
       (f32 && operation.scale_type == CUDA_R_32F && in != CUDA_R_64F && (out == in || out == CUDA_R_32F)));
  if (!known)
    return wrong(CUBLAS_STATUS_NOT_SUPPORTED, "these types of A, B, C, D, compute and scale do not go together");
  for (int32_t type : {operation.bias_type, operation.aux_type})
    if (type != -1 && type != out)
      return wrong(CUBLAS_STATUS_NOT_SUPPORTED, "bias and auxiliary matrix of another type than D's are not simulated");
  return {};
}

Verdict check_epilogue(const Problem& problem) {
  const Operation& operation = problem.operation;
  switch (operation.epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_RELU_AUX:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_RELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_DRELU:
    case CUBLASLT_EPILOGUE_DRELU_BGRAD:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_AUX:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_DGELU:
    case CUBLASLT_EPILOGUE_DGELU_BGRAD:
    case CUBLASLT_EPILOGUE_BGRADA:
    case CUBLASLT_EPILOGUE_BGRADB:
      break;
    default:
      return wrong(CUBLAS_STATUS_INVALID_VALUE, "there is no such epilogue");
  }
  if ((problem.bias() || problem.bias_gradient() || problem.has(256) || problem.has(512)) && !operation.bias)
    return wrong(CUBLAS_STATUS_INVALID_VALUE, "the epilogue has a bias, and its pointer is null");
  if (!problem.aux()) return {};
  const int64_t unit = problem.relu() || problem.relu_gradient() ? 128 : 8;
  if (problem.d.order != CUBLASLT_ORDER_COL)
    return wrong(CUBLAS_STATUS_NOT_SUPPORTED, "an auxiliary matrix goes with columns of D");
  if (!operation.aux || operation.aux_ld < problem.m || operation.aux_ld % unit || operation.aux_batch_stride % unit)
    return wrong(CUBLAS_STATUS_INVALID_VALUE, "the auxiliary matrix has the leading dimension " +
                                                  std::to_string(operation.aux_ld) +
                                                  "; expected a pointer, and a multiple of " + std::to_string(unit) +
                                                  " of at least " + std::to_string(problem.m));
  return {};
}

}  // namespace

int bytes_of(int32_t type) {
  switch (type) {
    case CUDA_R_16F:
    case CUDA_R_16BF:
      return 2;
    case CUDA_R_32F:
      return 4;
    case CUDA_R_64F:
      return 8;
    default:
      return 0;
  }
}

int64_t elements_of(const Layout& layout) {
  const bool columns = layout.order == CUBLASLT_ORDER_COL;
  const auto lines = int64_t(columns ? layout.cols : layout.rows),
             length = int64_t(columns ? layout.rows : layout.cols);
  return (layout.batch - 1) * layout.batch_stride + (lines - 1) * layout.ld + length;
}

Verdict check(Problem& problem) {
  const Layout* layouts[] = {&problem.a, &problem.b, &problem.c, &problem.d};
  const char* names[] = {"A", "B", "C", "D"};
  for (int at = 0; at < 4; ++at) {
    if (Verdict verdict = check_layout(*layouts[at], names[at]); !verdict.text.empty()) return verdict;
    if (layouts[at]->batch != problem.d.batch)
      return wrong(CUBLAS_STATUS_INVALID_VALUE, "the matrices have different batch counts");
  }
  const Operation& operation = problem.operation;
  for (int32_t trans : {operation.trans_a, operation.trans_b})
    if (trans != CUBLAS_OP_N && trans != CUBLAS_OP_T)
      return wrong(CUBLAS_STATUS_NOT_SUPPORTED, "an operation on A or B that is not simulated");
  const bool a_turned = operation.trans_a == CUBLAS_OP_T, b_turned = operation.trans_b == CUBLAS_OP_T;
  const uint64_t m = a_turned ? problem.a.cols : problem.a.rows, k = a_turned ? problem.a.rows : problem.a.cols;
  const uint64_t b_rows = b_turned ? problem.b.cols : problem.b.rows, n = b_turned ? problem.b.rows : problem.b.cols;
  if (b_rows != k || problem.d.rows != m || problem.d.cols != n || problem.c.rows != m || problem.c.cols != n)
    return wrong(CUBLAS_STATUS_INVALID_VALUE, "op(A) is " + size_text(m, k) + ", op(B) " + size_text(b_rows, n) +
                                                  ", C " + size_text(problem.c.rows, problem.c.cols) + ", D " +
                                                  size_text(problem.d.rows, problem.d.cols));
  problem.m = int64_t(m);
  problem.n = int64_t(n);
  problem.k = int64_t(k);
  if (Verdict verdict = check_types(problem); !verdict.text.empty()) return verdict;
  if (operation.pointer_mode != CUBLASLT_POINTER_MODE_HOST)
    return wrong(CUBLAS_STATUS_NOT_SUPPORTED, "alpha and beta on the device are not simulated");
  return check_epilogue(problem);
}

}  // namespace pt::simcublas
