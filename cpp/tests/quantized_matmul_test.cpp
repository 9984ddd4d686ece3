// Products with weights of 8 and 4 bits: every bit against a product in the canonical order, and products of bytes
// against sums of 64 bits, on every instruction set and by each of its ways to multiply.
#include <cmath>
#include <random>
#include <vector>

#include "ops/matmul_integer/desc.h"
#include "ops/quantized_matmul/desc.h"
#include "tests/check.h"
#include "tests/run_hostile.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;
using check::NanBuffer;

Operand operand(DType dtype, const Shape& shape) { return {dtype, shape, row_major(shape)}; }

LaunchPlan plan_of(const char* op, const std::vector<Operand>& in, const Operand& out, const Attrs& attrs = {}) {
  return cpu_target().plan(find_op(op), in, std::span(&out, 1), attrs, check::varied_context());
}

struct Sizes {
  int64_t rows, depth, cols, group;
};

// A tensor with room behind it that nobody may write.
template <class T>
struct Numbers {
  NanBuffer buffer;
  T* at;
  explicit Numbers(int64_t n) : buffer(n * static_cast<int64_t>(sizeof(T))), at(reinterpret_cast<T*>(buffer.data())) {}
};

template <class T>
void check_bytes(const Sizes& s, std::mt19937& random) {
  Numbers<T> a(s.rows * s.depth);
  Numbers<int8_t> b(s.depth * s.cols);
  const auto extreme = [&](int64_t low, int64_t high) {
    const auto draw = static_cast<int64_t>(random() % 4);
    return draw == 0 ? low : draw == 1 ? high : low + static_cast<int64_t>(random() % 256);
  };
  const bool is_signed = T(-1) < T(0);
  for (int64_t i = 0; i < s.rows * s.depth; ++i)
    a.at[i] = static_cast<T>(is_signed ? extreme(-128, 127) : extreme(0, 255));
  for (int64_t i = 0; i < s.depth * s.cols; ++i) b.at[i] = static_cast<int8_t>(extreme(-128, 127));
  const Operand left = operand(is_signed ? DType::I8 : DType::U8, {s.rows, s.depth});
  const Operand out = operand(DType::I32, {s.rows, s.cols});
  LaunchPlan plan = plan_of("matmul_integer", {left, operand(DType::I8, {s.depth, s.cols})}, out);
  for (const bool pairs : {false, true}) {
    for (Launch& launch : plan.launches) launch.variant = pairs ? int{kIntegerPairs} : launch.variant;
    Numbers<int32_t> c(s.rows * s.cols);
    check::run_hostile(plan, {a.buffer.data(), b.buffer.data(), c.buffer.data()});
    CHECK(c.buffer.intact());
    for (int64_t i = 0; i < s.rows; ++i)
      for (int64_t j = 0; j < s.cols; ++j) {
        int64_t sum = 0;
        for (int64_t k = 0; k < s.depth; ++k) sum += int64_t{a.at[i * s.depth + k]} * b.at[k * s.cols + j];
        CHECK(c.at[i * s.cols + j] == static_cast<int32_t>(sum));
      }
  }
}

float code_of(const Numbers<uint8_t>& codes, const Sizes& s, bool packed, int64_t k, int64_t j) {
  if (!packed) return static_cast<int8_t>(codes.at[k * s.cols + j]);
  const int both = codes.at[k / 2 * s.cols + j];
  return static_cast<float>((k % 2 ? both >> 4 : both & 15) - 8);
}

// Blocks of 256 as chains of multiply-adds from 0, added within groups of 4,096, which are added.
float canonical(const Sizes& s, bool packed, const float* row, const Numbers<uint8_t>& codes, const float* scale,
                int64_t j) {
  float all = 0;
  for (int64_t group = 0; group < s.depth; group += 4096) {
    float sum = 0;
    for (int64_t block = group; block < std::min(group + 4096, s.depth); block += 256) {
      float chain = 0;
      for (int64_t k = block; k < std::min({block + 256, group + 4096, s.depth}); ++k)
        chain = std::fma(row[k], code_of(codes, s, packed, k, j) * scale[k / s.group * s.cols + j], chain);
      sum = block == group ? chain : sum + chain;
    }
    all = group == 0 ? sum : all + sum;
  }
  return all;
}

void check_weights(const Sizes& s, bool packed, std::mt19937& random) {
  std::normal_distribution<float> normal;
  const int64_t stored = packed ? (s.depth + 1) / 2 : s.depth, groups = (s.depth + s.group - 1) / s.group;
  Numbers<float> a(s.rows * s.depth), scale(groups * s.cols), c(s.rows * s.cols);
  Numbers<uint8_t> codes(stored * s.cols);
  for (int64_t i = 0; i < s.rows * s.depth; ++i) a.at[i] = normal(random);
  for (int64_t i = 0; i < groups * s.cols; ++i) scale.at[i] = normal(random);
  for (int64_t i = 0; i < stored * s.cols; ++i) codes.at[i] = static_cast<uint8_t>(random());
  const LaunchPlan plan =
      plan_of("quantized_matmul",
              {operand(DType::F32, {s.rows, s.depth}), operand(packed ? DType::U8 : DType::I8, {stored, s.cols}),
               operand(DType::F32, {groups, s.cols})},
              operand(DType::F32, {s.rows, s.cols}), {{"group_size", s.group}});
  check::run_hostile(plan, {a.buffer.data(), codes.buffer.data(), scale.buffer.data(), c.buffer.data()});
  CHECK(c.buffer.intact());
  for (int64_t i = 0; i < s.rows; ++i)
    for (int64_t j = 0; j < s.cols; ++j) {
      const float want = canonical(s, packed, a.at + i * s.depth, codes, scale.at, j);
      CHECK(std::bit_cast<uint32_t>(want) == std::bit_cast<uint32_t>(c.at[i * s.cols + j]));
    }
}

}  // namespace

int main() {
  std::mt19937 random(5);
  for (const std::string_view isa : check::usable_isas()) {
    set_isa(isa);
    for (const Sizes& s : std::vector<Sizes>{{1, 1, 1, 1},
                                             {1, 5, 33, 2},
                                             {2, 64, 16, 64},
                                             {3, 257, 70, 32},
                                             {4, 300, 600, 100},
                                             {5, 31, 17, 4},
                                             {7, 8, 15, 8},
                                             {8, 520, 64, 256},
                                             {14, 70, 31, 70},
                                             {15, 70, 32, 10},
                                             {29, 66, 65, 6},
                                             {130, 40, 20, 12},
                                             {300, 9, 20, 2},
                                             {2, 4200, 5, 128},
                                             {6, 8500, 18, 4098}}) {
      check_bytes<int8_t>(s, random);
      check_bytes<uint8_t>(s, random);
      check_weights(s, false, random);
      check_weights(s, true, random);
    }
  }
  return check::finish();
}
