// Products through the device's table: matrices of small whole numbers, whose sums are exact in every dtype.
#pragma once
#include <cmath>
#include <map>
#include <random>

#include "cuda/tests/runtime_case.h"

namespace pt::check {

constexpr int kF16 = 6, kBF16 = 7, kF64 = 9;

inline int bytes_of(int dtype) { return dtype == kF64 ? 8 : dtype == kF32 ? 4 : 2; }

// [batch, rows, cols] in the device's memory, without the batch axis where `batch` is 0.
struct Matrix {
  PtdOperand operand{};
  std::vector<double> numbers;  // row-major
  char* at = nullptr;
  int64_t gap = 0;  // bytes before the first element

  int64_t extent(int axis) const { return operand.shape[axis]; }
  std::size_t place(int64_t b, int64_t i, int64_t j) const {
    const int64_t* s = operand.strides + operand.ndim - 2;
    return static_cast<std::size_t>((operand.ndim == 3 ? b * operand.strides[0] : 0) + i * s[0] + j * s[1]);
  }
  template <class Visit>
  void each(Visit visit) {
    const int64_t batch = operand.ndim == 3 ? operand.shape[0] : 1;
    const int64_t* shape = operand.shape + operand.ndim - 2;
    std::size_t at_number = 0;
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t i = 0; i < shape[0]; ++i)
        for (int64_t j = 0; j < shape[1]; ++j) visit(place(b, i, j), numbers[at_number++]);
  }
  std::size_t bytes() const {
    int64_t last = 0;
    for (int axis = 0; axis < operand.ndim; ++axis) last += (operand.shape[axis] - 1) * operand.strides[axis];
    return static_cast<std::size_t>(gap + (last + 1) * bytes_of(operand.dtype));
  }
};

inline void write_number(char* to, int dtype, double number) {
  const auto single = static_cast<float>(number);
  const auto half = static_cast<_Float16>(single);
  uint32_t bits;
  std::memcpy(&bits, &single, 4);
  const auto upper = static_cast<uint16_t>(bits >> 16);
  if (dtype == kF64) std::memcpy(to, &number, 8);
  if (dtype == kF32) std::memcpy(to, &single, 4);
  if (dtype == kBF16) std::memcpy(to, &upper, 2);
  if (dtype == kF16) std::memcpy(to, &half, 2);
}
inline double read_number(const char* from, int dtype) {
  double number = 0;
  float single = 0;
  _Float16 half = 0;
  uint16_t upper = 0;
  if (dtype == kF64) return std::memcpy(&number, from, 8), number;
  if (dtype == kF32) return std::memcpy(&single, from, 4), single;
  if (dtype == kF16) return std::memcpy(&half, from, 2), static_cast<double>(half);
  std::memcpy(&upper, from, 2);
  const uint32_t bits = static_cast<uint32_t>(upper) << 16;
  return std::memcpy(&single, &bits, 4), single;
}

struct Layout {
  bool turned = false;
  int64_t spare = 0;  // elements behind each line
  int64_t gap = 0;
};

struct Products : Table {
  Products() { CHECK_EQ(open(), ""); }

  Matrix matrix(int dtype, int64_t batch, int64_t rows, int64_t cols, unsigned seed, Layout layout = {}, int most = 1) {
    Matrix made;
    made.gap = layout.gap;
    const int64_t line = (layout.turned ? rows : cols) + layout.spare;
    const int64_t apart = line * (layout.turned ? cols : rows);
    made.operand = {dtype, batch ? 3 : 2, {}, {}};
    const int at = made.operand.ndim - 2;
    made.operand.shape[0] = batch, made.operand.strides[0] = apart;
    made.operand.shape[at] = rows, made.operand.shape[at + 1] = cols;
    made.operand.strides[at] = layout.turned ? 1 : line, made.operand.strides[at + 1] = layout.turned ? line : 1;
    std::mt19937 random(seed);
    made.numbers.resize(static_cast<std::size_t>(std::max<int64_t>(batch, 1) * rows * cols));
    for (double& number : made.numbers) number = static_cast<int>(random() % (2 * most + 1)) - most;
    put(made);
    return made;
  }
  void put(Matrix& m) {
    std::vector<char> host(m.bytes());
    m.each([&](std::size_t place, double number) {
      write_number(host.data() + m.gap + place * bytes_of(m.operand.dtype), m.operand.dtype, number);
    });
    if (!m.at) m.at = allocate(host.size()) + m.gap;
    CHECK_EQ(said(t.copy_in(t.self, m.at - m.gap, host.data(), host.size(), &failure)), "");
  }
  std::vector<double> take(Matrix& m) {
    std::vector<char> host(m.bytes());
    CHECK_EQ(said(t.copy_out(t.self, host.data(), m.at - m.gap, host.size(), &failure)), "");
    std::vector<double> found;
    m.each([&](std::size_t place, double) {
      found.push_back(read_number(host.data() + m.gap + place * bytes_of(m.operand.dtype), m.operand.dtype));
    });
    return found;
  }

  Planned plan_matmul(const Matrix& a, const Matrix& b, const Matrix& c) {
    PtdAttribute dots{"dots", PTD_TEXT, 0, {}};
    dots.value.text = "exact";
    return plan("matmul", {a.operand, b.operand}, {c.operand}, {dots});
  }
  // With a program behind it: operand 0 is the product, the others are those of `rest`, the last one the output.
  Planned plan_then(const Matrix& a, const Matrix& b, const PtdOperand& result, const std::vector<PtdOperand>& rest,
                    const std::vector<PtdStep>& steps) {
    std::vector<PtdOperand> operands = {result};
    operands[0].dtype = kF32;
    for (PtdOperand each : rest) {
      std::copy_n(result.shape, PTD_MOST_AXES, each.shape);
      operands.push_back(each);
    }
    PtdFused program{};
    program.ndim = result.ndim, program.inputs = static_cast<int32_t>(rest.size());
    std::copy_n(result.shape, PTD_MOST_AXES, program.extents);
    program.operands = operands.data(), program.n_operands = static_cast<int32_t>(operands.size());
    program.steps = steps.data(), program.n_steps = static_cast<int32_t>(steps.size());
    Planned planned;
    const PtdPlan to = into(planned);
    const PtdOperand in[] = {a.operand, b.operand};
    planned.error = said(t.plan_epilogue(t.self, "matmul", in, 2, &result, nullptr, 0, &program, &to, &failure));
    return planned;
  }
  // One run of a plan; `operands` are the plan's, and it gets a workspace of its own.
  std::string run(const Planned& planned, const std::vector<char*>& operands, bool commits = false) {
    Run run(*this);
    const std::string problem = queue(run, planned, operands, commits);
    const std::string end = run.finish();
    return problem.empty() ? end : problem;
  }
  std::string queue(Run& run, const Planned& planned, const std::vector<char*>& operands, bool commits = false) {
    char* workspace = planned.workspace > 0 ? allocate(static_cast<std::size_t>(planned.workspace)) : nullptr;
    for (const Planned::One& one : planned.launches) {
      std::vector<char*> data;
      for (std::size_t i = 0; i < one.operands.size(); ++i) {
        char* at = one.operands[i] < 0 ? workspace : operands[static_cast<std::size_t>(one.operands[i])];
        data.push_back(at + (one.offsets.empty() ? 0 : one.offsets[i]));
      }
      Planned single;
      single.launches = {one};
      single.launches[0].operands.clear(), single.launches[0].offsets.clear();
      if (const std::string problem = run.launch(single, data, commits); !problem.empty()) return problem;
    }
    return "";
  }
};

inline std::vector<double> product_of(const Matrix& a, const Matrix& b, int64_t batch) {
  const int64_t m = a.extent(a.operand.ndim - 2), k = a.extent(a.operand.ndim - 1), n = b.extent(b.operand.ndim - 1);
  const auto item = [](const Matrix& x, int64_t t, int64_t size) { return x.operand.ndim == 3 ? t * size : 0; };
  std::vector<double> want;
  for (int64_t t = 0; t < std::max<int64_t>(batch, 1); ++t)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p)
          sum += a.numbers[static_cast<std::size_t>(item(a, t, m * k) + i * k + p)] *
                 b.numbers[static_cast<std::size_t>(item(b, t, k * n) + p * n + j)];
        want.push_back(sum);
      }
  return want;
}

}  // namespace pt::check
