#include "cuda/runtime/library_products.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace pt::cuda {
namespace {

// Asked of the heuristics at most; a plan gets what the chosen algorithm needs. NVIDIA advises 32 MiB on Hopper.
constexpr uint64_t kMostWorkspace = 32 << 20;
// Beside no parts of K at all. Their sums lie in the workspace in the dtype of the accumulator, and a second kernel
// adds them in a fixed order. In place (1) they would be added in the output's memory and dtype, one after the other as
// they finish; in the output's dtype (4) each would be rounded before it is added.
constexpr uint32_t kReductions = CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
constexpr std::size_t kMostAnswers = 4096;  // then they are forgotten, and asked for again

cudaDataType_t type_of(DType type) {
  switch (type) {
    case DType::F64:
      return CUDA_R_64F;
    case DType::BF16:
      return CUDA_R_16BF;
    case DType::F16:
      return CUDA_R_16F;
    default:
      return CUDA_R_32F;
  }
}

// What cuBLASLt is told of a product, for one call. Its matrices are columns, ours are rows: read as columns, ours are
// turned, and C' = B' A'. So its A is our right operand, its rows are our columns.
class Described {
 public:
  Described(const CublasLt& lt, const LibraryProduct& p) : lt_(lt) {
    const cudaDataType_t in = type_of(p.type), out = type_of(p.out_type);
    const bool doubles = p.type == DType::F64;
    say(lt.cublasLtMatmulDescCreate(&desc,
                                    doubles  ? CUBLAS_COMPUTE_64F
                                    : p.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                             : CUBLAS_COMPUTE_32F,
                                    doubles ? CUDA_R_64F : CUDA_R_32F));
    set(CUBLASLT_MATMUL_DESC_TRANSA, int32_t{p.right_turned ? CUBLAS_OP_T : CUBLAS_OP_N});
    set(CUBLASLT_MATMUL_DESC_TRANSB, int32_t{p.left_turned ? CUBLAS_OP_T : CUBLAS_OP_N});
    if (p.bias) set(CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t{CUBLASLT_EPILOGUE_BIAS});
    layout(&a, in, p.cols, p.depth, p.right_turned, p.right_lead, p.batches, p.right_batch);
    layout(&b, in, p.depth, p.rows, p.left_turned, p.left_lead, p.batches, p.left_batch);
    layout(&c, out, p.cols, p.rows, false, p.out_lead, p.batches, p.out_batch);
  }
  ~Described() {
    if (desc) lt_.cublasLtMatmulDescDestroy(desc);
    for (cublasLtMatrixLayout_t made : {a, b, c}) {
      if (made) lt_.cublasLtMatrixLayoutDestroy(made);
    }
    if (preference_) lt_.cublasLtMatmulPreferenceDestroy(preference_);
  }
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;

  // The first status that was not success.
  cublasStatus_t status() const { return status_; }
  void set_bias(const void* address) { set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, address); }
  cublasLtMatmulPreference_t preference() {
    say(lt_.cublasLtMatmulPreferenceCreate(&preference_));
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kMostWorkspace);
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, kReductions);
    for (auto side : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      prefer(side, static_cast<uint32_t>(kLibraryAlignment));
    return preference_;
  }

  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;

 private:
  void say(cublasStatus_t status) {
    if (status_ == CUBLAS_STATUS_SUCCESS) status_ = status;
  }
  bool good() const { return status_ == CUBLAS_STATUS_SUCCESS; }
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    if (good()) say(lt_.cublasLtMatmulDescSetAttribute(desc, attribute, &value, sizeof(value)));
  }
  template <class T>
  void prefer(cublasLtMatmulPreferenceAttributes_t attribute, T value) {
    if (good()) say(lt_.cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof(value)));
  }
  void layout(cublasLtMatrixLayout_t* made, cudaDataType_t type, int64_t rows, int64_t cols, bool turned, int64_t lead,
              int64_t batches, int64_t apart) {
    if (turned) std::swap(rows, cols);
    if (good())
      say(lt_.cublasLtMatrixLayoutCreate(made, type, static_cast<uint64_t>(rows), static_cast<uint64_t>(cols), lead));
    if (batches == 1) return;
    const auto count = static_cast<int32_t>(batches);
    if (good())
      say(lt_.cublasLtMatrixLayoutSetAttribute(*made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof(count)));
    if (good())
      say(lt_.cublasLtMatrixLayoutSetAttribute(*made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &apart,
                                               sizeof(apart)));
  }

  const CublasLt& lt_;
  cublasStatus_t status_ = CUBLAS_STATUS_SUCCESS;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

std::string text_of(const LibraryProduct& p) {
  const std::string batches = p.batches > 1 ? text(p.batches, " times ") : "";
  return text(batches, info(p.type).brief, "[", p.rows, ", ", p.depth, "] by [", p.depth, ", ", p.cols, "]");
}

// Of a shape, layout or dtype that it has no algorithm for.
bool refuses(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
         status == CUBLAS_STATUS_ARCH_MISMATCH;
}

}  // namespace

LibraryProducts::LibraryProducts(Context& context) : context_(context) {
  std::string why_not;
  lt_ = cublaslt(&why_not);
  if (lt_) {
    const cublasStatus_t status = lt_->cublasLtCreate(&handle_);
    if (status != CUBLAS_STATUS_SUCCESS) {
      handle_ = nullptr;
      why_not = text("[", context.name, "] ", lt_->about(), " says ", lt_->cublasLtGetStatusName(status),
                     " to cublasLtCreate; expected a library that the driver for CUDA ",
                     version_text(context.driver.version), " takes; install NVIDIA's driver of its CUDA");
    }
  }
  if (!why_not.empty())
    std::fprintf(stderr, "%s; products are computed by powertrain's own kernels\n", why_not.c_str());
  const char* tf32 = std::getenv("POWERTRAIN_CUDA_TF32");
  tf32_ = tf32 && std::strcmp(tf32, "1") == 0;
  if (handle_) context.description += ", products by " + lt_->about() + (tf32_ ? " in TF32" : "");
}

bool LibraryProducts::choose(const LibraryProduct& product, LibraryChoice* choice) {
  const std::lock_guard lock(busy_);
  if (answers_.size() >= kMostAnswers) answers_.clear();
  auto at = answers_.find(product);
  if (at == answers_.end()) at = answers_.emplace(product, ask(product)).first;
  *choice = at->second.choice;
  return at->second.chosen;
}

LibraryProducts::Answer LibraryProducts::ask(const LibraryProduct& product) {
  if (product.batches > INT32_MAX) return {};
  cublasLtMatmulHeuristicResult_t result{};
  LibraryProduct plain = product;
  plain.bias = false;
  {
    Described d(*lt_, plain);
    const cublasLtMatmulPreference_t preference = d.preference();
    int found = 0;
    cublasStatus_t status = d.status();
    if (status == CUBLAS_STATUS_SUCCESS)
      status = lt_->cublasLtMatmulAlgoGetHeuristic(handle_, d.desc, d.a, d.b, d.c, d.c, preference, 1, &result, &found);
    if (status == CUBLAS_STATUS_SUCCESS && found == 0) status = CUBLAS_STATUS_NOT_SUPPORTED;
    const Answer answer = answer_for(plain, status, result);
    if (!product.bias || !answer.chosen) return answer;
  }
  Described d(*lt_, product);
  d.set_bias(reinterpret_cast<const void*>(kLibraryAlignment));  // an address of this alignment; nothing is read
  cublasStatus_t status = d.status();
  const cublasLtMatmulAlgo_t algorithm = result.algo;
  if (status == CUBLAS_STATUS_SUCCESS)
    status = lt_->cublasLtMatmulAlgoCheck(handle_, d.desc, d.a, d.b, d.c, d.c, &algorithm, &result);
  result.algo = algorithm;
  return answer_for(product, status, result);
}

LibraryProducts::Answer LibraryProducts::answer_for(const LibraryProduct& product, cublasStatus_t status,
                                                    const cublasLtMatmulHeuristicResult_t& result) {
  if (status == CUBLAS_STATUS_SUCCESS) status = result.state;
  if (refuses(status) || (status == CUBLAS_STATUS_SUCCESS && result.workspaceSize > kMostWorkspace)) return {};
  if (status != CUBLAS_STATUS_SUCCESS) fail(status, product, "choosing an algorithm for");
  Answer answer{true, {}};
  static_assert(sizeof(answer.choice.algorithm) == sizeof(result.algo));
  std::memcpy(answer.choice.algorithm, &result.algo, sizeof(result.algo));
  answer.choice.workspace_bytes = static_cast<int64_t>(result.workspaceSize);
  return answer;
}

bool LibraryProducts::takes(const LibraryLaunch& launch, const void* const* operands, bool commits) {
  if (commits && !launch.private_result) return false;
  for (const int32_t operand : {launch.left, launch.right, launch.out, launch.bias, launch.workspace}) {
    if (operand >= 0 && reinterpret_cast<uintptr_t>(operands[operand]) % kLibraryAlignment != 0) return false;
  }
  return true;
}

void LibraryProducts::multiply(const LibraryLaunch& launch, const void* const* operands, CUstream stream) {
  const LibraryProduct& product = launch.product;
  Described d(*lt_, product);
  if (product.bias) d.set_bias(operands[launch.bias]);
  if (d.status() != CUBLAS_STATUS_SUCCESS) fail(d.status(), product, "describing");
  const float one = 1, zero = 0;
  const double double_one = 1, double_zero = 0;
  const bool doubles = product.type == DType::F64;
  cublasLtMatmulAlgo_t algorithm;
  std::memcpy(&algorithm, launch.choice.algorithm, sizeof(algorithm));
  void* out = const_cast<void*>(operands[launch.out]);
  void* workspace = launch.workspace >= 0 ? const_cast<void*>(operands[launch.workspace]) : nullptr;
  const cublasStatus_t status = lt_->cublasLtMatmul(
      handle_, d.desc, doubles ? static_cast<const void*>(&double_one) : &one, operands[launch.right], d.a,
      operands[launch.left], d.b, doubles ? static_cast<const void*>(&double_zero) : &zero, out, d.c, out, d.c,
      &algorithm, workspace, static_cast<std::size_t>(launch.choice.workspace_bytes), stream);
  if (status != CUBLAS_STATUS_SUCCESS) fail(status, product, "multiplying");
}

void LibraryProducts::fail(cublasStatus_t status, const LibraryProduct& product, const char* doing) {
  const std::string what = text("[", context_.name, "] ", lt_->about(), " says ", lt_->cublasLtGetStatusName(status),
                                " while ", doing, " ", text_of(product));
  if (status == CUBLAS_STATUS_ALLOC_FAILED) {
    throw OutOfMemoryError(
        text(what, "; expected memory to be left on the GPU; use a smaller batch or model, or end other processes"));
  }
  throw Error(text(what, "; expected success; set POWERTRAIN_CUBLASLT=0 for powertrain's own kernels"));
}

}  // namespace pt::cuda
