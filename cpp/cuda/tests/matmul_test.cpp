// Products on the simulator. Both sides sum k products in one dtype, with one rounding each, but in other orders: they
// differ by at most 2 k eps times the size of the products, which is about 1 here. That sees a dropped term and an
// operand that was rounded to bf16. Results of 16 bits are sums in f32, and may be rounded to the other neighbour.
#include <array>

#include "cuda/plans.h"
#include "cuda/tests/check_plan.h"
#include "ops/matmul/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;
using namespace pt::check;

CheckOptions near(int64_t k, DType type = DType::F32) {
  CheckOptions options;
  const bool half = type == DType::F16 || type == DType::BF16;
  options.k = 2;
  options.magnitude = static_cast<double>(k) * (half ? 0x1p-12 : 1);
  return options;
}

void multiply(const Array& a, const Array& b, CheckOptions options) {
  options.orders = 1;
  options.capabilities = {90};  // plans are the same for all
  check_op("matmul", {a, b}, {{"dots", std::string("exact")}}, options);
}

void check_sizes() {
  const int64_t sizes[][3] = {{1, 1, 1},   {1, 7, 1},    {5, 1, 3},    {33, 17, 31},  {64, 16, 64},
                              {65, 40, 1}, {1, 300, 50}, {130, 9, 67}, {200, 33, 130}};
  for (const auto& [m, k, n] : sizes) {
    for (DType type : {DType::F32, DType::F64, DType::BF16, DType::F16}) {
      multiply(normal(type, {m, k}, 1), normal(type, {k, n}, 2), near(k, type));
    }
  }
}

void check_layouts() {
  for (DType type : {DType::F32, DType::F64, DType::BF16}) {
    const Array a = normal(type, {36, 20}, 3), b = normal(type, {20, 44}, 4);
    for (const Array& left : {a, a.laid_out({1, 0}), a.laid_out({0, 1}, 3)}) {
      for (const Array& right : {b, b.laid_out({1, 0}), b.laid_out({1, 0}, 2)}) multiply(left, right, near(20, type));
    }
    multiply(a.repeated({0}), b, near(20, type));
    multiply(a, b.repeated({1}), near(20, type));
  }
  std::mt19937 random(7);
  for (int turn = 0; turn < 6; ++turn) {
    multiply(normal(DType::F32, {3, 10, 12}, 5).laid_out_at_random(random),
             normal(DType::F32, {3, 12, 8}, 6).laid_out_at_random(random), near(12));
  }
}

// One operand of 16 bits.
void check_mixed() {
  const Array wide = normal(DType::F32, {40, 24}, 1), narrow = normal(DType::BF16, {24, 36}, 2);
  std::vector<Array> result = {Array(DType::F32, {40, 36})};
  const CheckOptions options = near(24);
  const LaunchPlan cpu = plan_matmul(wide.operand(), narrow.operand(), result[0].operand(), varied_context());
  const Attrs attrs{{"dots", std::string("exact")}};
  const std::vector<Operand> in = {wide.operand(), narrow.operand()}, out = {result[0].operand()};
  check_plans("matmul of f32 and bf16", cpu, (*cuda::cuda_plan("matmul"))({in, out, attrs, 90, 3}), {wide, narrow},
              result, options);
}

void check_batches() {
  const DType f = DType::F32;
  multiply(normal(f, {4, 5, 6}, 1), normal(f, {4, 6, 7}, 2), near(6));
  multiply(normal(f, {4, 5, 6}, 1), normal(f, {6, 7}, 2), near(6));        // rows of one product
  multiply(normal(f, {2, 1, 5, 6}, 1), normal(f, {3, 6, 7}, 2), near(6));  // both broadcast
  multiply(normal(f, {3, 5, 6}, 1).repeated({0}), normal(f, {3, 6, 7}, 2), near(6));
  multiply(normal(f, {6}, 1), normal(f, {6}, 2), near(6));
  multiply(normal(f, {6}, 1), normal(f, {2, 6, 3}, 2), near(6));
  multiply(normal(f, {2, 5, 6}, 1), normal(f, {6}, 2), near(6));
}

void check_empty() {
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {0, 0, 0}}) {
    multiply(normal(DType::F32, {m, k}, 1), normal(DType::F32, {k, n}, 2), {});
  }
  multiply(normal(DType::F64, {0, 3, 4}, 1), normal(DType::F64, {0, 4, 5}, 2), {});
}

void check_extremes() {
  // Of one product each, so that no order of sums matters.
  for (DType type : {DType::F32, DType::F64, DType::BF16, DType::F16}) {
    multiply(extremes(type, {40, 1}, 1), extremes(type, {1, 40}, 2), {});
  }
}

// Few tiles and a long K: it is cut into parts.
void check_parts() {
  for (int units : {1, 8, 100}) {
    CheckOptions options = near(3000);
    options.units = units;
    multiply(normal(DType::F32, {17, 3000}, 1), normal(DType::F32, {3000, 20}, 2), options);
    multiply(normal(DType::F64, {2, 3, 3000}, 1), normal(DType::F64, {2, 3000, 5}, 2), options);
    options.magnitude *= 0x1p-12;
    multiply(normal(DType::BF16, {1, 3000}, 1), normal(DType::BF16, {3000, 9}, 2), options);
  }
}

// Many multiprocessors take small tiles, few of them large ones, and every one of them more than one block.
void check_tiles() {
  for (int units : {1, 4, 64}) {
    CheckOptions options = near(48);
    options.units = units;
    multiply(normal(DType::F32, {280, 48}, 1), normal(DType::F32, {48, 272}, 2), options);
    multiply(normal(DType::F32, {1200, 20}, 1), normal(DType::F32, {20, 130}, 2), options);
    options.magnitude *= 0x1p-12;
    const Array a = normal(DType::BF16, {200, 48}, 3), b = normal(DType::BF16, {48, 136}, 4);
    multiply(a, b, options);
    multiply(a.laid_out({1, 0}), b.laid_out({1, 0}), options);
    multiply(normal(DType::F16, {129, 40}, 5), normal(DType::F16, {40, 140}, 6).laid_out({1, 0}), options);
  }
}

}  // namespace

int main() {
  check_sizes();
  check_layouts();
  check_batches();
  check_mixed();
  check_empty();
  check_extremes();
  check_parts();
  check_tiles();
  return pt::check::finish();
}
