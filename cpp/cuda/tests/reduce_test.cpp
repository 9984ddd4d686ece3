// Reductions of any axes on the simulator, beside the CPU's: the same order, so the same bits.
#include <random>

#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {}) {
  if (is_sampled(5)) check_op(op, inputs, attrs, kAnyCapability);
}

const std::vector<std::string> kOps = {"sum", "prod", "max", "min", "any", "all"};

Array some(DType dtype, const Shape& shape, uint32_t seed) {
  if (is_float(dtype)) return normal(dtype, shape, seed);
  return small_integers(dtype, shape, 3, seed);
}

void test_axes() {
  std::mt19937 random(1);
  for (const std::string& op : kOps) {
    for (const DType dtype : kRealTypes) {
      const Array x = some(dtype, {5, 3, 4, 7}, 2);
      for (const Ints& axes : std::vector<Ints>{{0}, {1}, {0, 2}, {1, 2}, {3}, {0, 3}, {0, 1, 2, 3}}) {
        check(op, {x}, {{"axis", axes}});
        check(op, {x.laid_out_at_random(random)}, {{"axis", axes}});
      }
      check(op, {x.repeated({1})}, {{"axis", Ints{0, 1}}, {"keepdims", true}});
    }
  }
}

void test_chains_and_groups() {
  for (const std::string op : {"sum", "prod", "max"}) {
    for (const int64_t rows : {1, 2, 255, 256, 257, 600}) {
      check(op, {normal(DType::F32, {rows, 3}, 3, 0.1)}, {{"axis", Ints{0}}});
    }
    for (const int64_t rows : {4095, 4096, 4097, 8300}) {
      check(op, {normal(DType::F32, {rows, 2}, 3)}, {{"axis", Ints{0}}});
    }
    check(op, {normal(DType::BF16, {300, 70}, 4)}, {{"axis", Ints{0}}});
    check(op, {normal(DType::F64, {3, 300, 5}, 4)}, {{"axis", Ints{1}}});
    check(op, {some(DType::I32, {4200, 3}, 4)}, {{"axis", Ints{0}}});
  }
  check("sum", {normal(DType::F32, {20, 300}, 5)}, {{"axis", Ints{0}}});
}

// Chains by themselves, in one group and in several, the last ones short.
void test_few_long_columns() {
  for (const std::string op : {"sum", "max"}) {
    check_op(op, {normal(DType::F32, {700, 17}, 6)}, {{"axis", Ints{0}}}, kAnyCapability);
    check_op(op, {normal(DType::BF16, {2, 700, 5}, 6)}, {{"axis", Ints{1}}}, kAnyCapability);
  }
  const CheckOptions on_a_card{.capabilities = {90}, .units = 132};
  check_op("sum", {normal(DType::F32, {8300, 33}, 6)}, {{"axis", Ints{0}}}, on_a_card);
  check_op("sum", {some(DType::I32, {9001, 31}, 6)}, {{"axis", Ints{0}}}, on_a_card);
}

void test_extremes_and_empty() {
  for (const DType dtype : {DType::F16, DType::F32, DType::F64}) {
    for (const std::string op : {"sum", "prod", "max", "min", "any", "all", "argmax", "argmin"}) {
      for (uint32_t seed = 0; seed < 3; ++seed) {
        for (const int64_t axis : {0, 1}) {
          check(op, {extremes(dtype, {9, 13}, seed)}, {{"axis", Ints{axis}}});
        }
      }
    }
    for (const std::string op : {"sum", "prod", "any", "all"}) {
      check(op, {Array(dtype, {0, 5})}, {{"axis", Ints{0}}});
      check(op, {Array(dtype, {5, 0})}, {{"axis", Ints{1}}});
      check(op, {Array(dtype, {0, 5})}, {{"axis", Ints{1}}});
    }
  }
}

void test_positions() {
  std::mt19937 random(6);
  for (const std::string op : {"argmax", "argmin"}) {
    for (const DType dtype : kRealTypes) {
      for (const int64_t axis : {0, 1, 2}) {
        const Array x = some(dtype, {4, 5, 6}, 7);
        check(op, {x}, {{"axis", Ints{axis}}});
        check(op, {x.laid_out_at_random(random)}, {{"axis", Ints{axis}}});
      }
      check(op, {some(dtype, {3, 4, 5}, 7)}, {});
      check(op, {some(dtype, {3, 700}, 8)}, {{"axis", Ints{1}}});
      check(op, {some(dtype, {700, 3}, 8)}, {{"axis", Ints{0}}});
    }
    check(op, {normal(DType::F32, {2, 40000}, 9)}, {{"axis", Ints{1}}});
    check(op, {normal(DType::F32, {2, 40000}, 9).repeated({1})}, {{"axis", Ints{1}}});
    Array late(DType::F32, {1, 33000});
    late.set(32999, 1.0 / 0.0), late.set(20000, 0.0 / 0.0), late.set(9000, -1);
    check(op, {late}, {{"axis", Ints{1}}});
  }
}

}  // namespace

int main() {
  test_axes();
  test_chains_and_groups();
  test_few_long_columns();
  test_extremes_and_empty();
  test_positions();
  return pt::check::finish();
}
