// Running sums, products and places on the simulator, beside the CPU's.
#include <random>

#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {}) {
  check_op(op, inputs, attrs, kAnyCapability);
}

Array some(DType dtype, const Shape& shape, uint32_t seed) {
  if (is_float(dtype)) return normal(dtype, shape, seed);
  return small_integers(dtype, shape, 9, seed);
}

void test_totals() {
  std::mt19937 random(1);
  for (const std::string op : {"cumulative_sum", "cumulative_prod"}) {
    for (const DType dtype : kRealTypes) {
      for (const int64_t axis : {0, 1, 2}) {
        const Array x = some(dtype, {4, 5, 6}, 2).laid_out_at_random(random);
        check(op, {x}, {{"axis", axis}});
        check(op, {x}, {{"axis", axis}, {"reverse", true}});
        check(op, {x}, {{"axis", axis}, {"include_initial", true}});
      }
      check(op, {some(dtype, {3, 70}, 3)}, {{"axis", int64_t{1}}});
      check(op, {some(dtype, {70, 3}, 3)}, {{"axis", int64_t{0}}, {"reverse", true}});
      check(op, {some(dtype, {3, 70}, 3).repeated({1})}, {{"axis", int64_t{1}}, {"include_initial", true}});
      check(op, {Array(dtype, {3, 0})}, {{"axis", int64_t{1}}, {"include_initial", true}});
      check(op, {Array(dtype, {0, 3})}, {{"axis", int64_t{1}}});
    }
    for (const DType dtype : {DType::BF16, DType::F32}) {
      check(op, {normal(dtype, {2, 2100}, 4)}, {{"axis", int64_t{1}}});
      check(op, {normal(dtype, {300, 2}, 4)}, {{"axis", int64_t{1}}});
      check(op, {extremes(dtype, {6, 100}, 4)}, {{"axis", int64_t{0}}});
    }
  }
}

void test_places() {
  std::mt19937 random(5);
  for (const std::string op : {"cummax_position", "cummin_position"}) {
    for (const DType dtype : kRealTypes) {
      for (const int64_t axis : {0, 1, 2}) {
        check(op, {some(dtype, {4, 5, 6}, 6).laid_out_at_random(random)}, {{"axis", axis}});
      }
      check(op, {some(dtype, {2, 90}, 7)}, {{"axis", int64_t{1}}});
    }
    for (const DType dtype : {DType::F16, DType::F32, DType::F64}) {
      check(op, {extremes(dtype, {30, 12}, 8)}, {{"axis", int64_t{1}}});
      check(op, {extremes(dtype, {3, 120}, 8)}, {{"axis", int64_t{1}}});
    }
  }
}

}  // namespace

int main() {
  test_totals();
  test_places();
  return pt::check::finish();
}
