// Sorting and searching on the simulator, beside the CPU's.
#include <random>

#include "cuda/plans.h"
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {}) {
  if (is_sampled(11)) check_op(op, inputs, attrs, kAnyCapability);
}

// With many equal ones, so that the order of equals counts.
Array some(DType dtype, const Shape& shape, uint32_t seed) {
  if (is_float(dtype)) return extremes(dtype, shape, seed);
  return small_integers(dtype, shape, 20, seed);
}

void test_argsort() {
  std::mt19937 random(1);
  for (const DType dtype : kRealTypes) {
    for (const bool descending : {false, true}) {
      for (const int axis : {0, 1, -1}) {
        check("argsort", {some(dtype, {3, 20, 2}, 2).laid_out_at_random(random)},
              {{"axis", axis}, {"descending", descending}});
      }
      check("argsort", {some(dtype, {3, 150, 2}, 2).laid_out_at_random(random)},
            {{"axis", 1}, {"descending", descending}});
      check("argsort", {some(dtype, {2, 128}, 3)}, {{"axis", 1}, {"descending", descending}});
      check("argsort", {some(dtype, {129}, 3)}, {{"axis", 0}, {"descending", descending}});
    }
    check("argsort", {some(dtype, {1}, 3)}, {{"axis", 0}});
    check("argsort", {some(dtype, {0, 3}, 3)}, {{"axis", 1}});
    check("argsort", {some(dtype, {3, 7}, 3).repeated({1})}, {{"axis", 1}});
  }
}

void test_numbers_of_all_sizes() {
  for (const DType dtype : {DType::F16, DType::BF16, DType::F32, DType::F64}) {
    for (const double scale : {1e-6, 1.0, 3e4}) check("argsort", {normal(dtype, {2, 150}, 4, scale)}, {{"axis", 1}});
  }
  const int64_t most = 9007199254740992;
  check("argsort", {integers(DType::I64, {200}, -most, most, 5)}, {{"axis", 0}});
  check("argsort", {integers(DType::U64, {200}, 0, most, 5)}, {{"axis", 0}});
  check("argsort", {integers(DType::U32, {200}, 0, 4294967295, 5)}, {{"axis", 0}});
}

// Not a block and a kilobyte for each of them, in every pass over the keys.
void test_many_short_lines_are_one_launch() {
  const Attrs attrs = find_op("argsort").complete({{"axis", -1}});
  for (const Shape& shape : std::vector<Shape>{{100000, 1}, {50000, 8}, {7, 128}, {128}}) {
    const Operand x = Array(DType::F32, shape).operand(), out = Array(DType::I64, shape).operand();
    const LaunchPlan plan = (*cuda::cuda_plan("argsort"))({{&x, 1}, {&out, 1}, attrs, 90, 132});
    CHECK_EQ(plan.launches.size(), 1u);
    CHECK_EQ(plan.workspace_bytes, 0);
  }
}

void test_more_than_one_tile() {
  check("argsort", {normal(DType::F32, {2, 4500}, 6)}, {{"axis", 1}});
  check("argsort", {integers(DType::U8, {5000}, 0, 255, 7)}, {{"axis", 0}, {"descending", true}});
}

void test_searchsorted() {
  std::mt19937 random(8);
  for (const DType dtype : kRealTypes) {
    Array row(dtype, {21});
    for (int64_t i = 0; i < 21; ++i) row.set(i, dtype == DType::Bool ? double(i > 9) : double(i / 3));
    for (const std::string side : {"left", "right"}) {
      for (const Shape& shape : std::vector<Shape>{{}, {0}, {5, 7}}) {
        check("searchsorted", {row, some(dtype, shape, 9).laid_out_at_random(random)}, {{"side", side}});
      }
      check("searchsorted", {row.laid_out({0}, 3), some(dtype, {33}, 9)}, {{"side", side}});
      check("searchsorted", {Array(dtype, {0}), some(dtype, {3}, 9)}, {{"side", side}});
    }
  }
}

}  // namespace

int main() {
  test_argsort();
  test_numbers_of_all_sizes();
  test_many_short_lines_are_one_launch();
  test_more_than_one_tile();
  test_searchsorted();
  return pt::check::finish();
}
