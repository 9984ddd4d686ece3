// Copies, fills and what is made of them on the simulator, beside the CPU's.
#include <cstring>
#include <limits>
#include <random>

#include "core/kernel.h"
#include "cuda/tests/check_plan.h"
#include "ops/all_finite/plan_cuda.h"
#include "ops/copy/plan_cuda.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {}) {
  check_op(op, inputs, attrs, kAnyCapability);
}

const std::vector<DType> kSizes = {DType::Bool, DType::BF16, DType::F32, DType::I64, DType::C64, DType::C128};

Array some(DType dtype, const Shape& shape, uint32_t seed) {
  return dtype == DType::Bool ? integers(dtype, shape, 0, 1, seed) : integers(dtype, shape, -120, 120, seed);
}

void test_copies_of_any_layout() {
  std::mt19937 random(1);
  for (const DType dtype : kSizes) {
    for (const Shape& shape :
         std::vector<Shape>{{}, {0}, {1}, {7}, {3, 0, 2}, {5, 33}, {2, 3, 4, 5}, {1031}, {64, 16}}) {
      const Array x = some(dtype, shape, 2);
      check("copy", {x});
      for (int i = 0; i < 3; ++i) check("copy", {x.laid_out_at_random(random)});
    }
  }
}

void test_transpositions() {
  for (const DType dtype : kSizes) {
    for (const Shape& shape : std::vector<Shape>{{9, 8}, {33, 65}, {130, 20}, {3, 70}, {64, 64}}) {
      check("copy", {some(dtype, shape, 3).laid_out({1, 0})});
    }
    check("copy", {some(dtype, {3, 17, 2, 35}, 4).laid_out({0, 2, 3, 1})});
    check("copy", {some(dtype, {40, 3, 50}, 4).laid_out({2, 1, 0}, 2)});
  }
}

void test_broadcasts() {
  for (const DType dtype : kSizes) {
    for (const Shape& shape : std::vector<Shape>{{33}, {7, 128}, {4, 3, 16}}) {
      for (int axis = 0; axis < shape.size(); ++axis) check("copy", {some(dtype, shape, 5).repeated({axis})});
    }
    check("copy", {some(dtype, {3, 5, 8}, 6).repeated({0, 2})});
    check("copy", {some(dtype, {300, 31}, 6).repeated({0, 1})});
  }
}

void test_more_than_one_block() {
  check("copy", {some(DType::F32, {11, 1237}, 7)});
  check("copy", {some(DType::F32, {300, 77}, 7).laid_out({1, 0})});
}

void test_strided_outputs() {
  for (const DType dtype : kSizes) {
    const Array x = some(dtype, {4, 6, 8}, 8);
    for (const Strides& strides : std::vector<Strides>{{1, 4, 24}, {96, 16, 2}, {48, -8, 1}, {-64, 8, 1}}) {
      std::vector<Array> out{Array(dtype, {4, 6, 8}, strides)};
      const Operand to = out[0].operand();
      run_cuda("copy", cuda::plan_copy(x.operand(), to), {x}, out);
      for (int64_t i = 0; i < x.count(); ++i) CHECK_EQ(std::memcmp(out[0].at(i), x.at(i), size_of(dtype)), 0);
    }
  }
}

void test_concat() {
  std::mt19937 random(9);
  for (const DType dtype : kSizes) {
    check("concat", {some(dtype, {3, 5}, 1), some(dtype, {2, 5}, 2), some(dtype, {0, 5}, 3)}, {{"axis", 0}});
    check("concat", {some(dtype, {4, 1, 3}, 1), some(dtype, {4, 7, 3}, 2).laid_out_at_random(random)}, {{"axis", -2}});
    check("concat", {some(dtype, {17}, 1), some(dtype, {300}, 2)}, {{"axis", 0}});
  }
}

void test_pack() {
  for (const DType dtype : {DType::F32, DType::BF16, DType::I64}) {
    check("pack", {some(dtype, {3, 5}, 1), some(dtype, {7}, 2), some(dtype, {}, 3)},
          {{"offsets", Ints{0, 16, 32}}, {"size", int64_t{48}}});
    check("pack", {some(dtype, {5, 5}, 1).laid_out({1, 0}), some(dtype, {0}, 2), some(dtype, {9}, 3)},
          {{"offsets", Ints{3, 32, 32}}, {"size", int64_t{41}}});
  }
  // More gaps than one launch fills.
  std::vector<Array> many;
  Ints offsets;
  for (int64_t i = 0; i < 430; ++i) many.push_back(some(DType::F32, {3}, 4)), offsets.push_back(4 * i);
  check("pack", many, {{"offsets", offsets}, {"size", int64_t{430 * 4}}});
}

void test_slice_scatter() {
  std::mt19937 random(10);
  for (const DType dtype : {DType::Bool, DType::I8, DType::F16, DType::F32, DType::F64, DType::U64}) {
    for (const double value : {0.0, 1.0}) {
      check("slice_scatter", {some(dtype, {3, 4}, 1)},
            {{"shape", Ints{7, 9}}, {"start", Ints{1, 8}}, {"step", Ints{2, -2}}, {"value", value}});
      check("slice_scatter", {some(dtype, {5}, 1).laid_out_at_random(random)},
            {{"shape", Ints{1001}}, {"start", Ints{3}}, {"step", Ints{7}}, {"value", value}});
    }
    check("slice_scatter", {some(dtype, {0, 2}, 1)},
          {{"shape", Ints{3, 2}}, {"start", Ints{0, 0}}, {"step", Ints{1, 1}}, {"value", 1.0}});
  }
}

void test_update_flat_view() {
  for (const DType dtype : {DType::F32, DType::BF16}) {
    check("update_flat_view", {some(dtype, {100}, 1), some(dtype, {3, 5}, 2).laid_out({1, 0})},
          {{"offset", int64_t{33}}});
  }
}

// The op looks at its input alone; the status word is what is compared.
uint32_t status_of(const Array& x) {
  std::vector<Array> none;
  return run_cuda("guard", cuda::plan_all_finite(x.operand()), {x}, none);
}
void test_guard() {
  std::mt19937 random(11);
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {DType::F16, DType::BF16, DType::F32, DType::F64}) {
    const double largest = dtype == DType::F16 ? 65504 : 3e38;
    for (const Shape& shape : std::vector<Shape>{{}, {1}, {7}, {8}, {33, 5}, {2051}}) {
      const Array x = normal(dtype, shape, 12);
      for (const int64_t at : {int64_t{0}, x.count() / 2, x.count() - 1}) {
        for (const double bad : {inf, -inf, nan, largest, -largest, -0.0}) {
          Array y = x;
          y.set(at, bad);
          const uint32_t want = bad - bad == 0 ? 0u : uint32_t(kStatusNonFinite);
          CHECK_EQ(status_of(y), want);
          CHECK_EQ(status_of(y.laid_out_at_random(random)), want);
        }
      }
    }
    CHECK_EQ(status_of(Array(dtype, {0, 3})), 0u);
  }
  CHECK_EQ(status_of(integers(DType::I32, {9}, 2139095040, 2139095050, 1)), 0u);  // the bits of infinity
}

}  // namespace

int main() {
  test_copies_of_any_layout();
  test_transpositions();
  test_broadcasts();
  test_more_than_one_block();
  test_strided_outputs();
  test_concat();
  test_pack();
  test_slice_scatter();
  test_update_flat_view();
  test_guard();
  return pt::check::finish();
}
