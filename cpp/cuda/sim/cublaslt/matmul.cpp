// Entry points: the choice of an algorithm, and the product. Two algorithms are offered: a fast one that wants
// everything aligned to 16 bytes and a workspace, and a slow one that takes what comes. What an algorithm was promised
// is checked when it is used.
#include <atomic>
#include <cstring>
#include <vector>

#include "cuda/sim/cublaslt/orders.h"
#include "cuda/sim/cublaslt/problem.h"
#include "cuda/sim/driver/work.h"

using namespace pt::simcublas;

namespace {

std::atomic<uint32_t> reductions_allowed = 0;
constexpr uint64_t kWorkspace = 64 << 10, kFastAlignment = 16, kMagic = 0x5054'4C54'414C'474Full;

// What an algorithm holds.
struct Algorithm {
  uint64_t magic, problem, workspace, alignment;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

cublasStatus_t tell(const char* call, const Verdict& verdict) {
  simNoteMisuse(call, verdict.text.c_str());
  return verdict.status;
}

cublasStatus_t gather(Problem& problem, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a,
                      cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, const char* call) {
  const Operation* what = operation_of(operation);
  const Layout* layouts[] = {layout_of(a), layout_of(b), layout_of(c), layout_of(d)};
  if (!what || !layouts[0] || !layouts[1] || !layouts[2] || !layouts[3])
    return tell(call, {CUBLAS_STATUS_INVALID_VALUE, "a descriptor is null, or was destroyed"});
  problem = {*what, *layouts[0], *layouts[1], *layouts[2], *layouts[3]};
  const Verdict verdict = check(problem);
  return verdict.text.empty() ? CUBLAS_STATUS_SUCCESS : tell(call, verdict);
}

// Of what an algorithm was chosen for: all but addresses and epilogue.
uint64_t hash_of(const Problem& problem) {
  uint64_t hash = 1;
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15u ^ hash >> 29; };
  const Operation& operation = problem.operation;
  for (int32_t part : {operation.compute_type, operation.scale_type, operation.trans_a, operation.trans_b})
    add(uint64_t(part));
  for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    for (int32_t part : {layout->type, layout->order, layout->batch}) add(uint64_t(part));
    for (int64_t part : {int64_t(layout->rows), int64_t(layout->cols), layout->ld, layout->batch_stride})
      add(uint64_t(part));
  }
  return hash;
}

bool strides_allow(const Problem& problem, uint64_t alignment) {
  for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d})
    for (int64_t stride : {layout->ld, layout->batch_stride})
      if (uint64_t(stride) * uint64_t(bytes_of(layout->type)) % alignment) return false;
  return true;
}

double scalar(const void* at, int32_t type) {
  if (type == CUDA_R_64F) return *static_cast<const double*>(at);
  return *static_cast<const float*>(at);
}

struct Queued {
  Problem problem;
  double alpha, beta;
  uint64_t a, b, c, d, workspace;
  size_t workspace_bytes;
};

void run(void* data) {
  const auto& queued = *static_cast<const Queued*>(data);
  if (queued.workspace_bytes) {
    void* scratch = simMemory(queued.workspace, queued.workspace_bytes, "the workspace");
    if (!scratch) return;
    std::memset(scratch, 0xEE, queued.workspace_bytes);  // it holds nothing of the caller's
  }
  multiply(queued.problem, queued.alpha, queued.beta, queued.a, queued.b, queued.c, queued.d);
}

bool overlap(uint64_t a, const Layout& of_a, uint64_t b, const Layout& of_b) {
  const auto bytes = [](const Layout& layout) { return uint64_t(elements_of(layout) * bytes_of(layout.type)); };
  return a < b + bytes(of_b) && b < a + bytes(of_a);
}

// What the chosen algorithm was promised, and what no product may be given.
Verdict check_use(const Queued& queued, const cublasLtMatmulAlgo_t* algo) {
  const Problem& problem = queued.problem;
  const bool reads_c = queued.beta != 0;
  uint64_t alignment = 1, workspace = 0;
  if (algo) {
    Algorithm chosen;
    std::memcpy(&chosen, algo, sizeof chosen);
    if (chosen.magic != kMagic || chosen.problem != hash_of(problem))
      return {CUBLAS_STATUS_INVALID_VALUE, "the algorithm was chosen for another product"};
    alignment = chosen.alignment;
    workspace = chosen.workspace;
  }
  const Layout* layouts[] = {&problem.a, &problem.b, &problem.c, &problem.d};
  const uint64_t addresses[] = {queued.a, queued.b, queued.c, queued.d};
  for (int at = 0; at < 4; ++at) {
    if (at == 2 && !reads_c) continue;
    const uint64_t wanted = std::max(alignment, uint64_t(bytes_of(layouts[at]->type)));
    if (!addresses[at] || addresses[at] % wanted)
      return {CUBLAS_STATUS_INVALID_VALUE, std::string(1, "ABCD"[at]) + " is null, or not aligned to " +
                                               std::to_string(wanted) + " bytes as the algorithm was promised"};
  }
  if (queued.workspace_bytes < workspace || queued.workspace % 16)
    return {CUBLAS_STATUS_INVALID_VALUE, "a workspace of " + std::to_string(queued.workspace_bytes) +
                                             " bytes; the algorithm needs " + std::to_string(workspace) +
                                             ", aligned to 16"};
  if (overlap(queued.d, problem.d, queued.a, problem.a) || overlap(queued.d, problem.d, queued.b, problem.b))
    return {CUBLAS_STATUS_INVALID_VALUE, "D overlaps A or B"};
  const bool in_place = queued.c == queued.d && problem.c == problem.d;
  if (reads_c && !in_place && overlap(queued.d, problem.d, queued.c, problem.c))
    return {CUBLAS_STATUS_INVALID_VALUE, "D overlaps C; expected the same address and layout, or none in common"};
  return {};
}

}  // namespace

// For tests: which ways to add parts of a sum were allowed when an algorithm was asked for last.
extern "C" __attribute__((visibility("default"))) uint32_t simCublasLtReductions() { return reductions_allowed; }

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference_handle, int most,
                                              cublasLtMatmulHeuristicResult_t results[], int* found) {
  const Preference* preference = preference_of(preference_handle);
  if (!is_handle(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!preference || !results || !found || most < 1) return CUBLAS_STATUS_INVALID_VALUE;
  *found = 0;
  reductions_allowed = preference->reductions;
  static std::atomic<uint64_t> calls = 0;
  if (ordered_to_fail("fail_choice", ++calls)) return CUBLAS_STATUS_INTERNAL_ERROR;
  if (ordered("refuse")) return CUBLAS_STATUS_NOT_SUPPORTED;
  Problem problem;
  const cublasStatus_t status = gather(problem, operation, a, b, c, d, __func__);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  const uint32_t least = std::min(std::min(preference->alignment_a, preference->alignment_b),
                                  std::min(preference->alignment_c, preference->alignment_d));
  const bool fast =
      least >= kFastAlignment && preference->workspace >= kWorkspace && strides_allow(problem, kFastAlignment);
  for (const bool choice : {true, false}) {
    if (*found == most || (choice && !fast)) continue;
    const Algorithm algorithm{kMagic, hash_of(problem), choice ? kWorkspace : 0, choice ? kFastAlignment : 1};
    cublasLtMatmulHeuristicResult_t& result = results[(*found)++] = {};
    std::memcpy(&result.algo, &algorithm, sizeof algorithm);
    result.workspaceSize = algorithm.workspace;
    result.state = CUBLAS_STATUS_SUCCESS;
    result.wavesCount = 1;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t* algo,
                                       cublasLtMatmulHeuristicResult_t* result) {
  if (!is_handle(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!algo || !result) return CUBLAS_STATUS_INVALID_VALUE;
  Problem problem;
  const cublasStatus_t status = gather(problem, operation, a, b, c, d, __func__);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (ordered("no_epilogues") && problem.operation.epilogue != CUBLASLT_EPILOGUE_DEFAULT)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  Algorithm chosen;
  std::memcpy(&chosen, algo, sizeof chosen);
  if (chosen.magic != kMagic || chosen.problem != hash_of(problem)) return CUBLAS_STATUS_INVALID_VALUE;
  *result = {};
  result->algo = *algo;
  result->workspaceSize = chosen.workspace;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
  if (!is_handle(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
  static std::atomic<uint64_t> calls = 0;
  if (ordered_to_fail("fail_product", ++calls)) return CUBLAS_STATUS_EXECUTION_FAILED;
  Problem problem;
  const cublasStatus_t status = gather(problem, operation, a_layout, b_layout, c_layout, d_layout, __func__);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  const auto address = [](const void* at) { return reinterpret_cast<uint64_t>(at); };
  const int32_t type = problem.operation.scale_type;
  const Queued queued{problem,    scalar(alpha, type), scalar(beta, type), address(a),     address(b),
                      address(c), address(d),          address(workspace), workspace_bytes};
  if (const Verdict verdict = check_use(queued, algo); !verdict.text.empty()) return tell(__func__, verdict);
  const CUresult result =
      simQueueWork(stream, __func__, run, new Queued(queued), [](void* data) { delete static_cast<Queued*>(data); });
  return result == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
