// The simulated cuBLASLt, against sums in double precision.
#include <cublasLt.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "cuda/tests/driver_case.h"

namespace pt::cuda {
namespace {

void* products = nullptr;
cublasLtHandle_t handle = nullptr;

// The same helpers as CU, for the second library.
#define LT(name) reinterpret_cast<decltype(&::name)>(dlsym(products, TEXT_OF(name)))
#define LT_OK(name, ...) CHECK_EQ(int(LT(name)(__VA_ARGS__)), int(CUBLAS_STATUS_SUCCESS))
#define LT_FAILS(status, name, ...) CHECK_EQ(int(LT(name)(__VA_ARGS__)), int(status))

template <class T>
int status_of_set(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attribute, T value) {
  return LT(cublasLtMatmulDescSetAttribute)(desc, attribute, &value, sizeof value);
}

void open_products() {
  start();
  products = dlopen(PT_CUBLASLT_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (!products) std::fprintf(stderr, "%s\n", dlerror());
  LT_OK(cublasLtCreate, &handle);
}

// Numbers of few bits, so that they and their sums are exact in every type; element (i, j) at i + j * rows.
struct Matrix {
  int rows, cols, ld, batch;
  cublasLtOrder_t order;
  cudaDataType type;
  std::vector<double> numbers;
  CUdeviceptr at = 0;
  cublasLtMatrixLayout_t layout = nullptr;

  int64_t stride() const { return int64_t(ld) * (order == CUBLASLT_ORDER_COL ? cols : rows); }
  int64_t index(int b, int i, int j) const {
    return b * stride() + (order == CUBLASLT_ORDER_COL ? i + j * ld : j + i * ld);
  }
  double& number(int b, int i, int j) { return numbers[size_t(b * rows * cols + i + j * rows)]; }

  int bytes() const { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }

  void write() {
    std::vector<char> host(size_t(stride()) * size_t(batch) * size_t(bytes()), char(0xEE));
    each(
        [&](int b, int i, int j, char* element) {
          const double value = number(b, i, j);
          const float single = float(value);
          uint32_t bits;
          std::memcpy(&bits, &single, 4);
          const auto upper = uint16_t(bits >> 16);
          const auto half = static_cast<_Float16>(single);
          if (type == CUDA_R_64F) std::memcpy(element, &value, 8);
          if (type == CUDA_R_32F) std::memcpy(element, &single, 4);
          if (type == CUDA_R_16BF) std::memcpy(element, &upper, 2);
          if (type == CUDA_R_16F) std::memcpy(element, &half, 2);
        },
        host);
    if (!at) at = allocate(host.size());
    OK(cuMemcpyHtoD, at, host.data(), host.size());
  }

  std::vector<double> read() {
    std::vector<char> host(size_t(stride()) * size_t(batch) * size_t(bytes()));
    std::vector<double> found(numbers.size());
    OK(cuMemcpyDtoH, host.data(), at, host.size());
    each(
        [&](int b, int i, int j, const char* element) {
          double& value = found[size_t(b * rows * cols + i + j * rows)];
          uint16_t half;
          float single;
          std::memcpy(&half, element, 2);
          std::memcpy(&single, element, type == CUDA_R_32F || type == CUDA_R_64F ? 4 : 2);
          const uint32_t bits = uint32_t(half) << 16;
          if (type == CUDA_R_16BF) std::memcpy(&single, &bits, 4);
          if (type == CUDA_R_16F) single = float(std::bit_cast<_Float16>(half));
          value = single;
          if (type == CUDA_R_64F) std::memcpy(&value, element, 8);
        },
        host);
    return found;
  }

  template <class Visit>
  void each(Visit visit, std::vector<char>& host) {
    for (int b = 0; b < batch; ++b)
      for (int j = 0; j < cols; ++j)
        for (int i = 0; i < rows; ++i) visit(b, i, j, host.data() + index(b, i, j) * bytes());
  }
};

Matrix matrix(int rows, int cols, int batch, bool by_rows, cudaDataType type, int seed, int pad = 0) {
  Matrix made{rows, cols, (by_rows ? cols : rows) + pad, batch, by_rows ? CUBLASLT_ORDER_ROW : CUBLASLT_ORDER_COL,
              type, {}};
  std::mt19937 random{unsigned(seed)};
  for (int n = 0; n < rows * cols * batch; ++n) made.numbers.push_back(double(int(random() % 9) - 4) / 4);
  made.write();
  LT_OK(cublasLtMatrixLayoutCreate, &made.layout, type, uint64_t(rows), uint64_t(cols), made.ld);
  const int64_t stride = made.stride();
  const auto set = [&](cublasLtMatrixLayoutAttribute_t attribute, const auto& value) {
    LT_OK(cublasLtMatrixLayoutSetAttribute, made.layout, attribute, &value, sizeof value);
  };
  set(CUBLASLT_MATRIX_LAYOUT_ORDER, int32_t(made.order));
  set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, int32_t(batch));
  set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
  return made;
}

struct Product {
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t chosen[4]{};
  int found = 0;
  CUdeviceptr workspace = 0;

  explicit Product(cudaDataType type, cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
    const bool doubles = type == CUDA_R_64F;
    LT_OK(cublasLtMatmulDescCreate, &desc, doubles ? CUBLAS_COMPUTE_64F : compute, doubles ? CUDA_R_64F : CUDA_R_32F);
    LT_OK(cublasLtMatmulPreferenceCreate, &preference);
    workspace = allocate(1 << 20);
    const uint64_t bytes = 1 << 20;
    LT_OK(cublasLtMatmulPreferenceSetAttribute, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
          sizeof bytes);
  }
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    CHECK_EQ(status_of_set(desc, attribute, value), int(CUBLAS_STATUS_SUCCESS));
  }
  void choose(const Matrix& a, const Matrix& b, const Matrix& d) {
    LT_OK(cublasLtMatmulAlgoGetHeuristic, handle, desc, a.layout, b.layout, d.layout, d.layout, preference, 4, chosen,
          &found);
  }
  cublasStatus_t run(const Matrix& a, const Matrix& b, const Matrix& d, double alpha, double beta, int algorithm = 0,
                     CUstream in = nullptr, int shift = 0) {
    const float single[] = {float(alpha), float(beta)};
    const double twice[] = {alpha, beta};
    const bool doubles = d.type == CUDA_R_64F;
    const auto at = [](CUdeviceptr address) { return reinterpret_cast<void*>(address); };
    return LT(cublasLtMatmul)(handle, desc, doubles ? static_cast<const void*>(twice) : single,
                              at(a.at + unsigned(shift)), a.layout, at(b.at), b.layout,
                              doubles ? static_cast<const void*>(twice + 1) : single + 1, at(d.at), d.layout, at(d.at),
                              d.layout, &chosen[algorithm].algo, at(workspace), chosen[algorithm].workspaceSize, in);
  }
};

// alpha op(A) op(B) + beta D, in doubles; numbers are exact until then.
std::vector<double> reference(Matrix& a, bool ta, Matrix& b, bool tb, Matrix& d, double alpha, double beta) {
  std::vector<double> want;
  const int k = ta ? a.rows : a.cols;
  for (int batch = 0; batch < d.batch; ++batch)
    for (int j = 0; j < d.cols; ++j)
      for (int i = 0; i < d.rows; ++i) {
        double sum = 0;
        for (int p = 0; p < k; ++p)
          sum += (ta ? a.number(batch, p, i) : a.number(batch, i, p)) *
                 (tb ? b.number(batch, j, p) : b.number(batch, p, j));
        want.push_back(alpha * sum + (beta == 0 ? 0 : beta * d.number(batch, i, j)));
      }
  return want;
}

double worst(const std::vector<double>& got, const std::vector<double>& want) {
  double most = got.size() == want.size() ? 0 : INFINITY;
  for (size_t at = 0; at < std::min(got.size(), want.size()); ++at) {
    const double error = std::abs(got[at] - want[at]) / std::max(1.0, std::abs(want[at]));
    if (!(error <= most)) most = error;
  }
  return most;
}

// Sums of these numbers are exact in float; the result is rounded once.
double closeness(cudaDataType type) { return type == CUDA_R_16BF ? 1.0 / 256 : type == CUDA_R_16F ? 1.0 / 2048 : 0; }

void test_products() {
  open_products();
  int cases = 0;
  for (cudaDataType type : {CUDA_R_32F, CUDA_R_64F, CUDA_R_16BF, CUDA_R_16F})
    for (int form = 0; form < 32; ++form) {
      const bool ta = form & 1, tb = form & 2, rows_a = form & 4, rows_b = form & 8, rows_d = form & 16;
      const int m = 5, n = 7, k = 11, batch = 1 + form % 3;
      Matrix a = matrix(ta ? k : m, ta ? m : k, batch, rows_a, type, 3 * form, form % 2);
      Matrix b = matrix(tb ? n : k, tb ? k : n, batch, rows_b, type, 3 * form + 1);
      Matrix d = matrix(m, n, batch, rows_d, type, 3 * form + 2, 3);
      Product product(type);
      product.set(CUBLASLT_MATMUL_DESC_TRANSA, int32_t(ta ? CUBLAS_OP_T : CUBLAS_OP_N));
      product.set(CUBLASLT_MATMUL_DESC_TRANSB, int32_t(tb ? CUBLAS_OP_T : CUBLAS_OP_N));
      product.choose(a, b, d);
      const double beta = form % 2 ? 0.5 : 0;
      const auto want = reference(a, ta, b, tb, d, 2, beta);
      if (beta == 0) std::fill(d.numbers.begin(), d.numbers.end(), NAN), d.write();  // not read then
      CHECK_EQ(int(product.run(a, b, d, 2, beta)), int(CUBLAS_STATUS_SUCCESS));
      CHECK(worst(d.read(), want) <= closeness(type));
      ++cases;
    }
  CHECK_EQ(cases, 128);
  CLEAN();
}

// bfloat16 into float, and TensorFloat-32, which drops bits of what is multiplied.
void test_mixed_types() {
  open_products();
  Matrix a = matrix(8, 8, 1, false, CUDA_R_16BF, 1), b = matrix(8, 8, 1, false, CUDA_R_16BF, 2);
  Matrix d = matrix(8, 8, 1, false, CUDA_R_32F, 3);
  Product mixed(CUDA_R_16BF);
  mixed.choose(a, b, d);
  const auto want = reference(a, false, b, false, d, 1, 0);
  CHECK_EQ(int(mixed.run(a, b, d, 1, 0)), 0);
  CHECK(worst(d.read(), want) == 0);
  Matrix one = matrix(1, 1, 1, false, CUDA_R_32F, 4), other = matrix(1, 1, 1, false, CUDA_R_32F, 5), to = one;
  to.at = 0;
  one.numbers = {1 + 1.0 / 4096};
  other.numbers = {1};
  one.write(), other.write(), to.write();
  Product exact(CUDA_R_32F), fast(CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32);
  exact.choose(one, other, to);
  fast.choose(one, other, to);
  CHECK_EQ(int(exact.run(one, other, to, 1, 0)), 0);
  CHECK_EQ(to.read()[0], 1 + 1.0 / 4096);
  // Ten bits are kept, and the middle goes to the even one.
  for (const auto& [number, kept] : {std::pair(1 + 1.0 / 4096, 1.0),
                                     {1 + 1.0 / 2048, 1.0},
                                     {1 + 3.0 / 2048, 1 + 2.0 / 1024},
                                     {1 + 1.0 / 1024, 1 + 1.0 / 1024}}) {
    one.numbers = {number};
    one.write();
    CHECK_EQ(int(fast.run(one, other, to, 1, 0)), 0);
    CHECK_EQ(to.read()[0], kept);
  }
}

double gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

void test_epilogues() {
  open_products();
  const int m = 6, n = 5, k = 4, batch = 2, ld = 128;
  Matrix a = matrix(m, k, batch, false, CUDA_R_64F, 1), b = matrix(k, n, batch, false, CUDA_R_64F, 2);
  Matrix d = matrix(m, n, batch, false, CUDA_R_64F, 3), bias = matrix(m, 1, batch, false, CUDA_R_64F, 4);
  Matrix sums = matrix(n, 1, batch, false, CUDA_R_64F, 5), aux = matrix(ld, n, batch, false, CUDA_R_64F, 6);
  Product product(CUDA_R_64F);
  product.choose(a, b, d);
  const auto plain = reference(a, false, b, false, d, 1, 0);
  CHECK(plain[1] != 0);
  bias.number(0, 1, 0) = -plain[1];  // a zero before the relu, where its slope is 0
  bias.write();
  const auto run = [&](cublasLtEpilogue_t epilogue, Matrix& with) {
    product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t(epilogue));
    product.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, reinterpret_cast<void*>(with.at));
    product.set(CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, with.stride());
    product.set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, reinterpret_cast<void*>(aux.at));
    product.set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, int64_t(ld));
    product.set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, aux.stride());
    product.choose(a, b, d);
    CHECK_EQ(int(product.run(a, b, d, 1, 0)), 0);
    return d.read();
  };
  const auto each = [&](auto of) {
    std::vector<double> want;
    for (int t = 0; t < batch; ++t)
      for (int j = 0; j < n; ++j)
        for (int i = 0; i < m; ++i) want.push_back(of(plain[want.size()], t, i, j));
    return want;
  };
  const auto relu = [](double x) { return x > 0 ? x : 0; };
  const auto biased = each([&](double x, int t, int i, int) { return x + bias.number(t, i, 0); });
  CHECK(worst(run(CUBLASLT_EPILOGUE_BIAS, bias), biased) == 0);
  CHECK(worst(run(CUBLASLT_EPILOGUE_RELU, bias), each([&](double x, int, int, int) { return relu(x); })) == 0);
  CHECK(worst(run(CUBLASLT_EPILOGUE_RELU_BIAS, bias),
              each([&](double x, int t, int i, int) { return relu(x + bias.number(t, i, 0)); })) == 0);
  CHECK(worst(run(CUBLASLT_EPILOGUE_GELU_BIAS, bias),
              each([&](double x, int t, int i, int) { return gelu(x + bias.number(t, i, 0)); })) <= 1e-15);
  // What the forward pass keeps is what the gradient reads.
  run(CUBLASLT_EPILOGUE_RELU_AUX_BIAS, bias);
  const auto masked = run(CUBLASLT_EPILOGUE_DRELU, bias);
  size_t at = 0;
  CHECK(worst(masked, each([&](double x, int, int, int) { return biased[at++] > 0 ? x : 0; })) == 0);
  Matrix grad = matrix(m, 1, batch, false, CUDA_R_64F, 7);
  CHECK(worst(run(CUBLASLT_EPILOGUE_DRELU_BGRAD, grad), masked) == 0);
  std::vector<double> row_sums(size_t(m * batch)), a_sums(size_t(m * batch)), b_sums(size_t(n * batch));
  for (int t = 0; t < batch; ++t) {
    for (int j = 0; j < n; ++j)
      for (int i = 0; i < m; ++i) row_sums[size_t(t * m + i)] += masked[size_t(t * m * n + i + j * m)];
    for (int p = 0; p < k; ++p) {
      for (int i = 0; i < m; ++i) a_sums[size_t(t * m + i)] += a.number(t, i, p);
      for (int j = 0; j < n; ++j) b_sums[size_t(t * n + j)] += b.number(t, p, j);
    }
  }
  CHECK(worst(grad.read(), row_sums) == 0);
  run(CUBLASLT_EPILOGUE_GELU_AUX_BIAS, bias);
  at = 0;
  CHECK(worst(run(CUBLASLT_EPILOGUE_DGELU, bias), each([&](double x, int, int, int) {
                const double v = biased[at++], h = 1e-5;
                return x * (gelu(v + h) - gelu(v - h)) / (2 * h);
              })) <= 1e-9);
  CHECK(worst(run(CUBLASLT_EPILOGUE_BGRADA, grad), plain) == 0);
  CHECK(worst(grad.read(), a_sums) == 0);
  CHECK(worst(run(CUBLASLT_EPILOGUE_BGRADB, sums), plain) == 0);
  CHECK(worst(sums.read(), b_sums) == 0);
  CLEAN();
}

void test_mistakes() {
  open_products();
  Matrix a = matrix(8, 8, 1, false, CUDA_R_32F, 1), b = matrix(8, 8, 1, false, CUDA_R_32F, 2),
         d = matrix(8, 8, 1, false, CUDA_R_32F, 3);
  Matrix odd = matrix(7, 8, 1, false, CUDA_R_32F, 4), halves = matrix(8, 8, 1, false, CUDA_R_16F, 5);
  Product product(CUDA_R_32F);
  product.choose(a, b, d);
  CHECK_EQ(product.found, 2);
  CHECK_EQ(product.chosen[0].workspaceSize, size_t(64) << 10);
  CHECK_EQ(product.chosen[1].workspaceSize, size_t(0));
  // The second algorithm takes any alignment, the first one does not.
  CHECK_EQ(int(product.run(a, b, d, 1, 0, 0, nullptr, 4)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmul] A is null, or not aligned to 16 bytes as the algorithm was promised");
  product.chosen[0].workspaceSize = 100;
  CHECK_EQ(int(product.run(a, b, d, 1, 0)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmul] a workspace of 100 bytes; the algorithm needs 65536, aligned to 16");
  // Of another product.
  CHECK_EQ(int(product.run(odd, b, odd, 1, 0, 1)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmul] the algorithm was chosen for another product");
  CHECK_EQ(int(product.run(a, d, d, 1, 0, 1)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmul] D overlaps A or B");
  const auto choose = [&](const Matrix& left, const Matrix& right, const Matrix& to) {
    return LT(cublasLtMatmulAlgoGetHeuristic)(handle, product.desc, left.layout, right.layout, to.layout, to.layout,
                                              product.preference, 4, product.chosen, &product.found);
  };
  CHECK_EQ(int(choose(odd, b, d)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmulAlgoGetHeuristic] op(A) is 7 x 8, op(B) 8 x 8, C 8 x 8, D 8 x 8");
  CHECK_EQ(int(choose(a, odd, d)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmulAlgoGetHeuristic] op(A) is 8 x 8, op(B) 7 x 8, C 8 x 8, D 8 x 8");
  CHECK_EQ(int(choose(halves, b, d)), int(CUBLAS_STATUS_NOT_SUPPORTED));
  MISUSED("[cublasLtMatmulAlgoGetHeuristic] these types of A, B, C, D, compute and scale do not go together");
  product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t(CUBLASLT_EPILOGUE_BIAS));
  CHECK_EQ(int(choose(a, b, d)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmulAlgoGetHeuristic] the epilogue has a bias, and its pointer is null");
  CHECK_EQ(status_of_set(product.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, int64_t(1)), int(CUBLAS_STATUS_INVALID_VALUE));
  CHECK_EQ(status_of_set(product.desc, CUBLASLT_MATMUL_DESC_AMAX_D_POINTER, int64_t(1)),
           int(CUBLAS_STATUS_NOT_SUPPORTED));
  LT_OK(cublasLtMatmulDescDestroy, product.desc);
  CHECK_EQ(int(choose(a, b, d)), int(CUBLAS_STATUS_INVALID_VALUE));
  MISUSED("[cublasLtMatmulAlgoGetHeuristic] a descriptor is null, or was destroyed");
  LT_OK(cublasLtDestroy, handle);
  LT_FAILS(CUBLAS_STATUS_NOT_INITIALIZED, cublasLtMatmulAlgoGetHeuristic, handle, nullptr, nullptr, nullptr, nullptr,
           nullptr, nullptr, 1, nullptr, nullptr);
}

// A product waits in its stream, becomes a node of a graph, and meets memory that is gone.
void test_streams_and_graphs() {
  open_products();
  Matrix a = matrix(8, 8, 1, false, CUDA_R_32F, 1), b = matrix(8, 8, 1, false, CUDA_R_32F, 2);
  Matrix d = matrix(8, 8, 1, false, CUDA_R_32F, 3);
  Product product(CUDA_R_32F);
  product.choose(a, b, d);
  const CUstream in = stream(), copies = stream();
  CHECK_EQ(int(product.run(a, b, d, 1, 0, 0, in)), 0);
  float* early = pinned<float>(64);
  OK(cuMemcpyDtoHAsync, early, d.at, 256, copies);
  OK(cuStreamSynchronize, copies);
  CHECK_EQ(double(early[0]), d.numbers[0]);  // not done yet
  OK(cuStreamSynchronize, in);
  CHECK(worst(d.read(), reference(a, false, b, false, d, 1, 0)) == 0);
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  CHECK_EQ(int(product.run(a, b, d, 3, 0, 0, in)), 0);
  OK(cuStreamEndCapture, in, &graph);
  OK(cuGraphInstantiate, &executable, graph, 0);
  OK(cuGraphLaunch, executable, in);
  OK(cuStreamSynchronize, in);
  CHECK(worst(d.read(), reference(a, false, b, false, d, 3, 0)) == 0);
  CLEAN();
  OK(cuMemFree, b.at);
  OK(cuGraphLaunch, executable, in);
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize, in);
  CHECK(last_misuse().find("[cuStreamSynchronize] cublasLtMatmul: B, carried out now, uses 256 bytes at ") == 0);
}

}  // namespace
}  // namespace pt::cuda

using namespace pt::cuda;

int main() {
  CHECK(run_case("", test_products));
  CHECK(run_case("", test_mixed_types));
  CHECK(run_case("", test_epilogues));
  CHECK(run_case("", test_mistakes));
  CHECK(run_case("", test_streams_and_graphs));
  return pt::check::finish();
}
