// Matrix products: every bit against a scalar reference that follows the canonical order literally.
#include <cmath>
#include <random>

#include "core/error.h"
#include "ops/matmul/plan.h"
#include "run_hostile.h"
#include "run_plan.h"

namespace pt {
namespace {

std::mt19937_64 random_bits(7);

// A tensor in a buffer with canaries around it and any strides.
struct Matrix {
  Operand operand;
  std::vector<char> bytes;
  int64_t begin = 0;  // byte offset of element 0

  char* data() { return bytes.data() + begin; }
};

float half_to_float(uint16_t h, DType type) {
  if (type == DType::BF16) return __builtin_bit_cast(float, static_cast<uint32_t>(h) << 16);
  const int exponent = (h >> 10) & 31, fraction = h & 1023;
  const float value = exponent ? std::ldexp(1024.0f + fraction, exponent - 25) : std::ldexp(float(fraction), -24);
  return h & 0x8000 ? -value : value;
}

// The nearest of the 65,536 values by search: slow, and plainly right. Ties go to the even one.
uint16_t float_to_half(float f, DType type) {
  const uint16_t infinity = type == DType::BF16 ? 0x7f80 : 0x7c00;
  uint16_t low = 0, high = infinity;
  const float magnitude = std::fabs(f);
  while (low + 1 < high) {
    const uint16_t middle = low + (high - low) / 2;
    (half_to_float(middle, type) <= magnitude ? low : high) = middle;
  }
  const double below = half_to_float(low, type);
  const double above = high == infinity ? 2 * below - half_to_float(low - 1, type) : half_to_float(high, type);
  const double up = above - magnitude, down = magnitude - below;
  const uint16_t nearest = up < down || (up == down && low % 2) ? high : low;
  return nearest | (std::signbit(f) ? 0x8000 : 0);
}

double get(Matrix& m, int64_t at) {
  char* p = m.data() + at * static_cast<int64_t>(size_of(m.operand.dtype));
  switch (m.operand.dtype) {
    case DType::F32:
      return *reinterpret_cast<float*>(p);
    case DType::F64:
      return *reinterpret_cast<double*>(p);
    default:
      return half_to_float(*reinterpret_cast<uint16_t*>(p), m.operand.dtype);
  }
}

void set(Matrix& m, int64_t at, double value) {
  char* p = m.data() + at * static_cast<int64_t>(size_of(m.operand.dtype));
  switch (m.operand.dtype) {
    case DType::F32:
      *reinterpret_cast<float*>(p) = static_cast<float>(value);
      break;
    case DType::F64:
      *reinterpret_cast<double*>(p) = value;
      break;
    default:
      *reinterpret_cast<uint16_t*>(p) = float_to_half(static_cast<float>(value), m.operand.dtype);
  }
}

// `order` lists the axes from the outermost in memory to the innermost; inner_gap spreads the innermost.
Matrix make(DType dtype, const Shape& shape, const std::vector<int>& order, int64_t inner_gap = 1) {
  Matrix m;
  m.operand = {dtype, shape, shape};
  int64_t stride = inner_gap;
  for (int i = shape.size() - 1; i >= 0; --i) {
    m.operand.strides[order[i]] = stride;
    stride *= std::max<int64_t>(shape[order[i]], 1);
  }
  const int64_t canary = 256;
  m.bytes.assign(stride * size_of(dtype) + 2 * canary, char(0xFF));
  m.begin = canary;
  return m;
}

int64_t offset(const Matrix& m, int64_t batch, int64_t i, int64_t j) {
  const Strides& s = m.operand.strides;
  const int n = s.size();
  return (n == 3 ? batch * s[0] : 0) + i * s[n - 2] + j * s[n - 1];
}

void fill(Matrix& m, bool special = false) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  const int n = m.operand.shape.size();
  for (int64_t b = 0; b < (n == 3 ? m.operand.shape[0] : 1); ++b)
    for (int64_t i = 0; i < m.operand.shape[n - 2]; ++i)
      for (int64_t j = 0; j < m.operand.shape[n - 1]; ++j)
        set(m, offset(m, b, i, j), special && random_bits() % 50 == 0 ? -0.0 : uniform(random_bits));
}

// The law, as it is written.
template <class T>
T canonical(Matrix& a, Matrix& b, int64_t batch, int64_t i, int64_t j, int64_t depth) {
  T total = 0;
  for (int64_t group = 0; group < depth; group += 4096) {
    T group_sum = 0;
    for (int64_t block = group; block < std::min(group + 4096, depth); block += 256) {
      T chain = 0;
      for (int64_t k = block; k < std::min(block + 256, depth); ++k)
        chain = std::fma(static_cast<T>(get(a, offset(a, batch, i, k))), static_cast<T>(get(b, offset(b, batch, k, j))),
                         chain);
      group_sum = block == group ? chain : group_sum + chain;
    }
    total = group > 0 ? total + group_sum : group_sum;
  }
  return total;
}

struct Case {
  int64_t batch, m, k, n;
  DType a_type = DType::F32, b_type = DType::F32, c_type = DType::F32;
  int form = 0;  // bits: A transposed, B transposed, C transposed
  int64_t gap = 1;
  int64_t threads = 0;  // 0: any number
  size_t launches = 0;  // that are expected, if not 0
};

std::vector<int> order_of(bool batched, bool transposed) {
  if (batched) return transposed ? std::vector<int>{0, 2, 1} : std::vector<int>{0, 1, 2};
  return transposed ? std::vector<int>{1, 0} : std::vector<int>{0, 1};
}

Shape shape_of(int64_t batch, int64_t rows, int64_t cols) {
  return batch ? Shape{batch, rows, cols} : Shape{rows, cols};
}

template <class T>
void check_case(const Case& t, const std::vector<std::string_view>& isas) {
  Matrix a = make(t.a_type, shape_of(t.batch, t.m, t.k), order_of(t.batch, t.form & 1), t.gap);
  Matrix b = make(t.b_type, shape_of(t.batch, t.k, t.n), order_of(t.batch, t.form & 2), t.gap);
  Matrix want = make(t.c_type, shape_of(t.batch, t.m, t.n), order_of(t.batch, t.form & 4));
  fill(a, true);
  fill(b);
  const Matrix start = want;  // with canaries
  // A long reference is sampled: the ISAs are still compared in full.
  const int64_t outputs = std::max<int64_t>(t.batch, 1) * t.m * t.n;
  const int64_t step = std::max<int64_t>(1, outputs * std::max<int64_t>(t.k, 1) / 1'000'000);
  std::vector<bool> known(outputs);
  for (int64_t at = random_bits() % step; at < outputs; at += step) {
    const int64_t j = at % t.n, i = at / t.n % t.m, batch = at / t.n / t.m;
    set(want, offset(want, batch, i, j), canonical<T>(a, b, batch, i, j, t.k));
    known[at] = true;
  }
  PlanContext context = check::varied_context();
  if (t.threads > 0) context.threads = t.threads;
  const LaunchPlan plan = plan_matmul(a.operand, b.operand, start.operand, context);
  if (t.launches > 0) CHECK(plan.launches.size() == t.launches);
  for (size_t which = 0; which < isas.size(); ++which) {
    set_isa(isas[which]);
    Matrix c = start;
    check::run_hostile(plan, {a.data(), b.data(), c.data()});
    int64_t wrong = 0;
    const size_t size = size_of(t.c_type);
    for (int64_t at = 0; at < outputs; ++at) {
      const int64_t place = offset(c, at / t.n / t.m, at / t.n % t.m, at % t.n) * size;
      if (known[at]) wrong += std::memcmp(c.data() + place, want.data() + place, size) != 0;
      if (known[at] || which > 0) continue;
      std::memcpy(want.data() + place, c.data() + place, size);  // not sampled: the first ISA speaks for it
    }
    const std::string what =
        text(isas[which], " batch ", t.batch, " m ", t.m, " k ", t.k, " n ", t.n, " ", info(t.a_type).brief, " ",
             info(t.b_type).brief, " ", info(t.c_type).brief, " form ", t.form, ": ", wrong, " wrong of ", outputs);
    check::report(wrong == 0, __FILE__, __LINE__, what);
    // Whole buffers: other ISAs, and the canaries around and between.
    check::report(c.bytes == want.bytes, __FILE__, __LINE__, "buffer: " + what);
  }
}

void check_any(const Case& t, const std::vector<std::string_view>& isas) {
  t.c_type == DType::F64 ? check_case<double>(t, isas) : check_case<float>(t, isas);
}

void check_sizes(const std::vector<std::string_view>& isas) {
  const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65};
  for (int64_t m : sizes)
    for (int64_t n : sizes)
      for (int64_t k : {0, 1, 4, 17, 70}) {
        if (k > 4 && random_bits() % 2) continue;  // each size meets every depth, not every pair of sizes does
        Case t = {0, m, k, n};
        t.form = static_cast<int>(random_bits() % 8);
        if (random_bits() % 4 == 0) t.a_type = t.b_type = t.c_type = DType::F64;
        check_any(t, isas);
      }
}

void check_depths(const std::vector<std::string_view>& isas) {
  for (int64_t k : {255, 256, 257, 512, 513, 4095, 4096, 4097, 8192, 8500})
    for (int form = 0; form < 8; ++form) {
      Case t = {0, 5 + form, k, 19 - form};
      t.form = form;
      check_any(t, isas);
      t.a_type = t.b_type = t.c_type = DType::F64;
      check_any(t, isas);
    }
}

void check_large(const std::vector<std::string_view>& isas) {
  for (int form = 0; form < 8; ++form) {
    Case t = {0, 257, 300, 261};
    t.form = form;
    check_any(t, isas);
    check_any({0, 70, 513, 40, DType::F32, DType::F32, DType::F32, form}, isas);
    check_any({0, 260, 4097, 140, DType::F32, DType::F32, DType::F32, form}, isas);
    // Just deep enough for panels to be packed, and more of them than one.
    for (int64_t k : {33, 36, 40}) check_any({0, 100, k, 200, DType::F32, DType::F32, DType::F32, form}, isas);
  }
}

void check_halves(const std::vector<std::string_view>& isas) {
  const DType types[] = {DType::F32, DType::BF16, DType::F16};
  for (DType a : types)
    for (DType b : types)
      for (DType c : types)
        for (int form = 0; form < 8; ++form) {
          check_any({0, 67, 270, 17, a, b, c, form}, isas);
          check_any({0, 3, 19, 70, a, b, c, form}, isas);
        }
}

// The right operand read in place: along its rows and along K, with tails of both; near, and so large that it is far.
void check_few_rows(const std::vector<std::string_view>& isas) {
  const DType types[] = {DType::F32, DType::BF16, DType::F16, DType::F64};
  for (DType type : types) {
    const DType sums = type == DType::F64 ? type : DType::F32;
    for (int64_t m = 1; m <= 9; ++m)
      for (int form = 0; form < 4; ++form) {
        const int64_t n = 33 + static_cast<int64_t>(random_bits() % 100);
        for (int64_t k : {1, 2, 31, 64, 71, 257}) check_any({0, m, k, n, type, type, sums, form}, isas);
        check_any({0, m, 300 + m, 1000 + n, type, type, sums, form}, isas);
        check_any({3, m, 64, n, type, type, type, form}, isas);
      }
    for (int form = 0; form < 4; ++form) {
      check_any({0, 2, 4200, 70, type, type, sums, form}, isas);
      check_any({0, 7, 600, 1100, type, type, type, form}, isas);
      check_any({0, 3, 70, 90, type, type, sums, form, 2}, isas);
    }
  }
}

// Threads share K where each gets whole blocks of it, or whole groups, and columns where there are too few of these, or
// where rows are too long or do not follow each other.
void check_shared_depth(const std::vector<std::string_view>& isas) {
  constexpr DType kF32 = DType::F32, kF64 = DType::F64;
  for (DType stored : {kF32, DType::BF16, kF64})
    for (int64_t threads : {1, 2, 3, 4, 7}) {
      const DType sums = stored == kF64 ? kF64 : kF32;
      for (const auto& [k, n] : {std::pair{512, 576}, {576, 1001}, {1536, 193}, {4096, 66}, {8500, 64}, {12700, 130}}) {
        const int64_t shares = k <= 4096 ? k / 256 : k / 4096;
        Case t = {0, 1, k, n, stored, stored, sums};
        t.threads = threads;
        if (threads > 1 && threads <= shares) t.launches = 2;
        for (const int64_t rows : {1, 2, 5, 8}) t.m = rows, check_any(t, isas);
        if (k <= 4096) t.launches = 1;
        t.m = 9;
        check_any(t, isas);
        t.m = 1, t.form = 4;
        if (threads == 1) check_any(t, isas);
      }
      Case wide = {0, 1, 600, 2100, stored, stored, sums};
      wide.threads = threads, wide.launches = 1;
      check_any(wide, isas);
    }
}

void check_batches(const std::vector<std::string_view>& isas) {
  for (int form = 0; form < 8; ++form) {
    check_any({13, 64, 32, 64, DType::F32, DType::F32, DType::F32, form}, isas);
    check_any({5, 9, 300, 11, DType::F32, DType::F32, DType::F32, form}, isas);
    check_any({3, 1, 4100, 2, DType::F64, DType::F64, DType::F64, form}, isas);
  }
}

// The bits may not depend on how an operand lies in memory: a spread, a broadcast and a folded batch.
void check_strides(const std::vector<std::string_view>& isas) {
  for (int form = 0; form < 8; ++form) {
    Case t = {0, 66, 100, 35};
    t.gap = 3;
    t.form = form;
    check_any(t, isas);
  }
  Matrix a = make(DType::F32, {4, 6, 40}, {0, 1, 2});
  Matrix b = make(DType::F32, {40, 50}, {0, 1});
  fill(a), fill(b);
  for (std::string_view isa : isas) {
    set_isa(isa);
    Matrix folded = make(DType::F32, {4, 6, 50}, {0, 1, 2});
    check::run_hostile(plan_matmul(a.operand, b.operand, folded.operand, check::varied_context()),
                       {a.data(), b.data(), folded.data()});
    Matrix spread = make(DType::F32, {4, 6, 50}, {2, 1, 0});
    check::run_hostile(plan_matmul(a.operand, b.operand, spread.operand, check::varied_context()),
                       {a.data(), b.data(), spread.data()});
    int64_t wrong = 0;
    for (int64_t batch = 0; batch < 4; ++batch)
      for (int64_t i = 0; i < 6; ++i)
        for (int64_t j = 0; j < 50; ++j) {
          const float want = canonical<float>(a, b, batch, i, j, 40);
          wrong += get(folded, offset(folded, batch, i, j)) != want;
          wrong += get(spread, offset(spread, batch, i, j)) != want;
        }
    CHECK_EQ(wrong, 0);
  }
}

// relu(product + bias) * residual, and product + bias as a second output, against the same sums computed apart.
void check_epilogue(int64_t batch, int64_t m, int64_t k, int64_t n, int form, DType type, bool shared_right,
                    const std::vector<std::string_view>& isas) {
  Matrix a = make(type, shape_of(batch, m, k), order_of(batch, form & 1));
  Matrix b = make(type, shape_of(shared_right ? 0 : batch, k, n), order_of(batch && !shared_right, form & 2));
  const Shape shape = shape_of(batch, m, n);
  Matrix bias = make(DType::F32, {1, n}, {0, 1}), residual = make(DType::F32, shape, order_of(batch, form & 4));
  fill(a), fill(b), fill(bias), fill(residual);
  Matrix product = make(type, shape, order_of(batch, false));
  set_isa("generic");
  check::run_hostile(plan_matmul(a.operand, b.operand, product.operand, check::varied_context()),
                     {a.data(), b.data(), product.data()});
  Matrix first = make(DType::F32, shape, order_of(batch, false)),
         second = make(DType::BF16, shape, order_of(batch, true));
  FusedProgram program;
  program.extents = shape;
  program.inputs = 3;
  const Strides along_columns = batch ? Strides{0, 0, 1} : Strides{0, 1};
  program.operands = {{DType::F32, {}},
                      {DType::F32, along_columns},
                      {DType::F32, residual.operand.strides},
                      {DType::F32, first.operand.strides},
                      {DType::BF16, second.operand.strides}};
  const auto step = [&](StepKind kind, const char* op, std::array<int, 4> args, int operand) {
    program.steps.push_back({.kind = kind, .op = op, .dtype = DType::F32, .args = args, .operand = operand});
  };
  step(StepKind::Load, "", {-1, -1, -1, -1}, 0);
  step(StepKind::Load, "", {-1, -1, -1, -1}, 1);
  step(StepKind::Math, "add", {0, 1, -1, -1}, -1);
  step(StepKind::Math, "relu", {2, -1, -1, -1}, -1);
  step(StepKind::Load, "", {-1, -1, -1, -1}, 2);
  step(StepKind::Math, "multiply", {3, 4, -1, -1}, -1);
  step(StepKind::Store, "", {5, -1, -1, -1}, 3);
  step(StepKind::Store, "", {2, -1, -1, -1}, 4);
  const LaunchPlan plan = plan_matmul(a.operand, b.operand, TensorType{type, shape}, program, check::varied_context());
  for (std::string_view isa : isas) {
    set_isa(isa);
    Matrix got = first, got_sum = second, want = first, want_sum = second;
    check::run_hostile(plan, {a.data(), b.data(), bias.data(), residual.data(), got.data(), got_sum.data()});
    for (int64_t item = 0; item < std::max<int64_t>(batch, 1); ++item)
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          const float sum = static_cast<float>(get(product, offset(product, item, i, j))) +
                            static_cast<float>(get(bias, offset(bias, 0, 0, j)));
          const float value = (sum > 0 ? sum : 0) * static_cast<float>(get(residual, offset(residual, item, i, j)));
          set(want, offset(want, item, i, j), value);
          set(want_sum, offset(want_sum, item, i, j), sum);
        }
    check::report(got.bytes == want.bytes && got_sum.bytes == want_sum.bytes, __FILE__, __LINE__,
                  text(isa, " epilogue of ", shape, " k ", k, " form ", form, " ", info(type).brief));
  }
}

void check_epilogues(const std::vector<std::string_view>& isas) {
  for (int form = 0; form < 8; ++form)
    for (DType type : {DType::F32, DType::BF16}) {
      check_epilogue(0, 65, 300, 33, form, type, false, isas);
      check_epilogue(0, 5, 4, 300, form, type, false, isas);
      check_epilogue(0, 100, 34, 200, form, type, false, isas);
      check_epilogue(0, 7, 4500, 11, form, type, false, isas);
      check_epilogue(6, 9, 40, 34, form, type, false, isas);
      check_epilogue(6, 9, 40, 34, form, type, true, isas);
    }
}

void check_errors() {
  const auto plan = [](const Operand& a, const Operand& b, const Operand& c) {
    return plan_matmul(a, b, c, check::varied_context());
  };
  const Operand a = {DType::F32, {4, 8}, {8, 1}}, b = {DType::F32, {7, 3}, {3, 1}}, c = {DType::F32, {4, 3}, {3, 1}};
  CHECK_THROWS(plan(a, b, c), ShapeError,
               "[matmul] a is [4, 8], b is [7, 3], c is [4, 3]; c[m, n] = a[m, k] b[k, n] is expected; transpose or "
               "slice an operand");
  const Operand b8 = {DType::F64, {8, 3}, {3, 1}};
  FusedProgram wrong;
  wrong.extents = {4, 2};
  CHECK_THROWS(
      plan_matmul(a, {DType::F32, {8, 3}, {3, 1}}, TensorType{DType::F32, {4, 3}}, wrong, check::varied_context()),
      Error, "[matmul] the epilogue runs over [4, 2]; the product's shape [4, 3] is expected; broadcast its operands");
  CHECK_THROWS(plan(a, b8, c), DTypeError,
               "[matmul] a is f32, b is f64, c is f32; all f64, or a mix of f32, bf16 and f16, is expected; cast one");
}

}  // namespace
}  // namespace pt

int main() {
  const std::vector<std::string_view> isas = pt::check::usable_isas();
  pt::check_errors();
  pt::check_sizes(isas);
  pt::check_depths(isas);
  pt::check_strides(isas);
  pt::check_few_rows(isas);
  pt::check_shared_depth(isas);
  pt::check_batches(isas);
  pt::check_halves(isas);
  pt::check_epilogues(isas);
  pt::check_large(isas);
  return pt::check::finish();
}
