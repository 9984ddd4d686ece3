// The product itself, by plain loops.
#include <cmath>
#include <cstring>
#include <vector>

#include "cuda/sim/cublaslt/problem.h"
#include "cuda/sim/driver/work.h"

namespace pt::simcublas {

namespace {

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// The nearest number with so many bits less of the significand, to even.
float rounded(float value, int bits) {
  if (value - value != 0) return value;
  const uint32_t all = bits_of(value), half = (1u << (bits - 1)) - 1 + (all >> bits & 1);
  return float_of((all + half) & ~((1u << bits) - 1));
}

struct View {
  const Layout& layout;
  char* data;

  int64_t at(int64_t row, int64_t col, int64_t batch) const {
    const bool columns = layout.order == CUBLASLT_ORDER_COL;
    return batch * layout.batch_stride + (columns ? row + col * layout.ld : col + row * layout.ld);
  }
};

double load(const char* data, int32_t type, int64_t at) {
  switch (type) {
    case CUDA_R_16F:
      return double(reinterpret_cast<const _Float16*>(data)[at]);
    case CUDA_R_16BF:
      return double(float_of(uint32_t(reinterpret_cast<const uint16_t*>(data)[at]) << 16));
    case CUDA_R_32F:
      return double(reinterpret_cast<const float*>(data)[at]);
    default:
      return reinterpret_cast<const double*>(data)[at];
  }
}

void store(char* data, int32_t type, int64_t at, double value) {
  const auto single = static_cast<float>(value);
  switch (type) {
    case CUDA_R_16F:
      reinterpret_cast<_Float16*>(data)[at] = static_cast<_Float16>(single);
      return;
    case CUDA_R_16BF:
      reinterpret_cast<uint16_t*>(data)[at] = uint16_t(bits_of(rounded(single, 16)) >> 16 | (single != single) << 6);
      return;
    case CUDA_R_32F:
      reinterpret_cast<float*>(data)[at] = single;
      return;
    default:
      reinterpret_cast<double*>(data)[at] = value;
  }
}

constexpr double kRoot = 0.7978845608028654, kCubic = 0.044715;  // sqrt(2 / pi)

double gelu(double x) { return 0.5 * x * (1 + std::tanh(kRoot * (x + kCubic * x * x * x))); }

double gelu_slope(double x) {
  const double t = std::tanh(kRoot * (x + kCubic * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kRoot * (1 + 3 * kCubic * x * x);
}

// A matrix as numbers of the type in which sums are made, element (i, j) at i + j * rows.
template <class Sum>
std::vector<Sum> unpacked(const View& view, bool turned, int64_t rows, int64_t cols, int64_t batch, bool tf32) {
  std::vector<Sum> numbers(size_t(rows * cols));
  for (int64_t j = 0; j < cols; ++j)
    for (int64_t i = 0; i < rows; ++i) {
      const double value = load(view.data, view.layout.type, turned ? view.at(j, i, batch) : view.at(i, j, batch));
      numbers[size_t(i + j * rows)] = Sum(tf32 ? double(rounded(float(value), 13)) : value);
    }
  return numbers;
}

// Relu keeps a bit of each element, gelu the element before it.
struct Epilogue {
  const Problem& problem;
  char *bias, *aux;
  int64_t batch;

  int64_t aux_at(int64_t row, int64_t col) const {
    return batch * problem.operation.aux_batch_stride + row + col * problem.operation.aux_ld;
  }
  double bias_at(int64_t row) const {
    return load(bias, problem.d.type, batch * problem.operation.bias_batch_stride + row);
  }
  void add_to_bias(int64_t at, double value) const {
    store(bias, problem.d.type, batch * problem.operation.bias_batch_stride + at, value);
  }

  double turn(double value, int64_t row, int64_t col) const {
    const int32_t type = problem.d.type;
    if (problem.bias()) value += bias_at(row);
    if (problem.relu_gradient()) {
      const int64_t bit = aux_at(row, col);
      return aux[bit / 8] >> bit % 8 & 1 ? value : 0;
    }
    if (problem.gelu_gradient()) return value * gelu_slope(load(aux, type, aux_at(row, col)));
    if (problem.relu() && problem.aux()) {
      const int64_t bit = aux_at(row, col);
      aux[bit / 8] = char((aux[bit / 8] & ~(1 << bit % 8)) | (value > 0) << bit % 8);
    } else if (problem.aux()) {
      store(aux, type, aux_at(row, col), value);
    }
    if (problem.relu()) return value > 0 || value != value ? value : 0;
    return problem.gelu() ? gelu(value) : value;
  }
};

template <class Sum>
void multiply_batch(const Problem& problem, Sum alpha, Sum beta, const View& a, const View& b, const View& c,
                    const View& d, const Epilogue& epilogue) {
  const int64_t m = problem.m, n = problem.n, k = problem.k, batch = epilogue.batch;
  const bool tf32 = problem.operation.compute_type == CUBLAS_COMPUTE_32F_FAST_TF32;
  const auto left = unpacked<Sum>(a, problem.operation.trans_a == CUBLAS_OP_T, m, k, batch, tf32);
  const auto right = unpacked<Sum>(b, problem.operation.trans_b == CUBLAS_OP_T, k, n, batch, tf32);
  std::vector<Sum> column(static_cast<size_t>(m)), totals(static_cast<size_t>(m));
  for (int64_t j = 0; j < n; ++j) {
    std::fill(column.begin(), column.end(), Sum(0));
    for (int64_t p = 0; p < k; ++p) {
      const Sum factor = right[size_t(p + j * k)];
      for (int64_t i = 0; i < m; ++i) column[size_t(i)] += left[size_t(i + p * m)] * factor;
    }
    for (int64_t i = 0; i < m; ++i) {
      Sum value = alpha * column[size_t(i)];
      if (beta != 0) value += beta * Sum(load(c.data, c.layout.type, c.at(i, j, batch)));
      const double turned = epilogue.turn(double(value), i, j);
      totals[size_t(i)] += Sum(turned);
      store(d.data, d.layout.type, d.at(i, j, batch), turned);
    }
  }
  if (problem.bias_gradient())
    for (int64_t i = 0; i < m; ++i) epilogue.add_to_bias(i, double(totals[size_t(i)]));
  const auto sums = [&](const std::vector<Sum>& numbers, int64_t count, int64_t step, int64_t along) {
    for (int64_t i = 0; i < count; ++i) {
      Sum sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += numbers[size_t(i * step + p * along)];
      epilogue.add_to_bias(i, double(sum));
    }
  };
  if (problem.has(CUBLASLT_EPILOGUE_BGRADA)) sums(left, m, 1, m);
  if (problem.has(CUBLASLT_EPILOGUE_BGRADB)) sums(right, n, k, 1);
}

char* memory(uint64_t address, int64_t bytes, const char* role) {
  return static_cast<char*>(simMemory(address, size_t(bytes), role));
}

}  // namespace

void multiply(const Problem& problem, double alpha, double beta, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  const auto view = [](const Layout& layout, uint64_t at, const char* role) {
    return View{layout, memory(at, elements_of(layout) * bytes_of(layout.type), role)};
  };
  const View of_a = view(problem.a, a, "A"), of_b = view(problem.b, b, "B"), of_d = view(problem.d, d, "D");
  const View of_c = beta != 0 ? view(problem.c, c, "C") : View{problem.c, of_d.data};
  const Operation& operation = problem.operation;
  const int64_t size = bytes_of(problem.d.type), before = problem.d.batch - 1;
  char *bias = of_d.data, *aux = of_d.data;
  if (operation.bias) {
    const int64_t count = problem.has(CUBLASLT_EPILOGUE_BGRADB) ? problem.n : problem.m;
    bias = memory(reinterpret_cast<uint64_t>(operation.bias), (before * operation.bias_batch_stride + count) * size,
                  "the bias");
  }
  if (problem.aux()) {
    const int64_t count = before * operation.aux_batch_stride + problem.n * operation.aux_ld;
    const bool in_bits = problem.relu() || problem.relu_gradient();
    aux = memory(reinterpret_cast<uint64_t>(operation.aux), in_bits ? count / 8 : count * size, "the auxiliary matrix");
  }
  if (!of_a.data || !of_b.data || !of_c.data || !of_d.data || !bias || !aux) return;
  for (int64_t batch = 0; batch <= before; ++batch) {
    const Epilogue epilogue{problem, bias, aux, batch};
    if (operation.compute_type == CUBLAS_COMPUTE_64F)
      multiply_batch<double>(problem, alpha, beta, of_a, of_b, of_c, of_d, epilogue);
    else
      multiply_batch<float>(problem, float(alpha), float(beta), of_a, of_b, of_c, of_d, epilogue);
  }
}

}  // namespace pt::simcublas
