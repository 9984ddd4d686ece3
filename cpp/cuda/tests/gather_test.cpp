// Reading and writing by index on the simulator, beside the CPU's.
#include <random>

#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {}) {
  if (is_sampled(7)) check_op(op, inputs, attrs, kAnyCapability);
}

const std::vector<DType> kAll = {DType::Bool, DType::I8, DType::BF16, DType::F16, DType::F32, DType::F64, DType::U64};
const std::vector<DType> kNumbers = {DType::F32, DType::F64, DType::F16, DType::BF16, DType::U8,  DType::I8,
                                     DType::I16, DType::U16, DType::I32, DType::U32,  DType::I64, DType::U64};

Array some(DType dtype, const Shape& shape, uint32_t seed) {
  if (is_float(dtype)) return normal(dtype, shape, seed);
  return integers(dtype, shape, 0, dtype == DType::Bool ? 1 : 100, seed);
}
Array index(DType dtype, const Shape& shape, int64_t size, uint32_t seed) {
  return integers(dtype, shape, -size, size - 1, seed);
}

void test_take() {
  std::mt19937 random(1);
  for (const DType dtype : kAll) {
    for (const DType wide : {DType::I32, DType::I64}) {
      for (const int axis : {0, 1, -1}) {
        const Array table = some(dtype, {5, 7, 12}, 2);
        const Array at = index(wide, {3, 4}, table.operand().shape[axis < 0 ? 2 : axis], 3);
        check("take", {table, at}, {{"axis", axis}});
        check("take", {table.laid_out_at_random(random), at.laid_out_at_random(random)}, {{"axis", axis}});
      }
    }
    check("take", {some(dtype, {50, 96}, 4), index(DType::I64, {33}, 50, 5)}, {{"axis", 0}});  // rows of embeddings
    check("take", {some(dtype, {50, 33}, 4), index(DType::I64, {3, 5}, 50, 5)}, {{"axis", 0}});
    check("take", {some(dtype, {9}, 4), index(DType::I32, {}, 9, 5)}, {{"axis", 0}});
    check("take", {some(dtype, {9, 0}, 4), index(DType::I32, {4}, 9, 5)}, {{"axis", 0}});
    check("take", {some(dtype, {9, 3}, 4), Array(DType::I32, {0})}, {{"axis", 0}});
    check("take", {some(dtype, {6, 8}, 4).repeated({1}), index(DType::I32, {4}, 6, 5)}, {{"axis", 0}});
  }
  check("take", {some(DType::F32, {40, 130}, 6), index(DType::I64, {67}, 40, 7)}, {{"axis", 0}});
}

void test_indices_out_of_range() {
  const Array at = integers(DType::I64, {11}, -7, 6, 8);
  check("take", {some(DType::F32, {5, 8}, 1), at}, {{"axis", 0}});
  check("take", {some(DType::BF16, {5, 3}, 1), at}, {{"axis", 0}});
  check("check_index", {at}, {{"size", int64_t{5}}});
  check("scatter_add", {at, some(DType::F32, {11, 3}, 2)}, {{"axis", 0}, {"size", int64_t{5}}});
  check("take_along_axis", {some(DType::F32, {5, 2}, 1), integers(DType::I32, {7, 2}, -7, 6, 2)}, {{"axis", 0}});
  check("put_along_axis", {integers(DType::I32, {7, 2}, -7, 6, 2), some(DType::F32, {7, 2}, 1)},
        {{"axis", 0}, {"size", int64_t{5}}});
  check("put_along_axis_max", {integers(DType::I32, {77, 2}, -7, 6, 2), some(DType::F32, {77, 2}, 1)},
        {{"axis", 0}, {"size", int64_t{5}}});
  check("put_rows", {some(DType::F32, {5, 3}, 1), at, some(DType::F32, {11, 3}, 2)});
}

void test_check_index() {
  std::mt19937 random(9);
  for (const DType dtype : {DType::I32, DType::I64}) {
    for (const Shape& shape : std::vector<Shape>{{}, {0}, {1}, {5, 7}, {1031}}) {
      check("check_index", {index(dtype, shape, 20, 1)}, {{"size", int64_t{20}}});
      Array bad = index(dtype, shape, 20, 1).laid_out_at_random(random);
      if (bad.count() > 0) bad.set_integer(bad.count() - 1, 20);
      check("check_index", {bad}, {{"size", int64_t{20}}});
    }
  }
}

void test_check_true() {
  std::mt19937 random(9);
  for (const Shape& shape : std::vector<Shape>{{}, {0}, {1}, {5, 7}, {1031}}) {
    Array holds = integers(DType::Bool, shape, 1, 1, 1).laid_out_at_random(random);
    check("check_true", {holds}, {{"refusal", std::string("[f] x is 0")}});
    if (holds.count() > 0) holds.set_integer(holds.count() - 1, 0);
    check("check_true", {holds}, {{"refusal", std::string("[f] x is 0")}});
  }
}

void test_take_along_axis() {
  std::mt19937 random(10);
  for (const DType dtype : kAll) {
    for (const int axis : {0, 1, -1}) {
      Shape shape{4, 5, 6};
      shape[axis < 0 ? 2 : axis] = 9;
      const Array x = some(dtype, {4, 5, 6}, 2), at = index(DType::I64, shape, Shape{4, 5, 6}[axis < 0 ? 2 : axis], 3);
      check("take_along_axis", {x, at}, {{"axis", axis}});
      check("take_along_axis", {x.laid_out_at_random(random), at.laid_out_at_random(random)}, {{"axis", axis}});
    }
    check("take_along_axis", {some(dtype, {3, 70}, 2), index(DType::I32, {3, 1}, 70, 4)}, {{"axis", 1}});
    check("take_along_axis", {some(dtype, {1, 7}, 2), index(DType::I32, {5, 3}, 7, 4)}, {{"axis", 1}});
    check("take_along_axis", {some(dtype, {3, 7}, 2), Array(DType::I32, {3, 0})}, {{"axis", 1}});
  }
}

void test_scatter_add() {
  std::mt19937 random(11);
  for (const DType dtype : kNumbers) {
    for (const int axis : {0, 1}) {
      const Shape shape = axis == 0 ? Shape{3, 11, 5} : Shape{4, 3, 11};
      const Array at = index(DType::I64, {3, 11}, 6, 12);
      const Array updates = some(dtype, axis == 0 ? shape : Shape{4, 3, 11, 2}, 13);
      check("scatter_add", {at, updates}, {{"axis", axis}, {"size", int64_t{6}}});
      check("scatter_add", {at.laid_out_at_random(random), updates.laid_out_at_random(random)},
            {{"axis", axis}, {"size", int64_t{6}}});
    }
    check("scatter_add", {index(DType::I32, {40}, 2, 1), some(dtype, {40}, 2)}, {{"axis", 0}, {"size", int64_t{2}}});
    check("scatter_add", {Array(DType::I32, {0}), Array(dtype, {0, 3})}, {{"axis", 0}, {"size", int64_t{4}}});
    check("scatter_add", {index(DType::I32, {5}, 300, 1), some(dtype, {5, 7}, 2).repeated({1})},
          {{"axis", 0}, {"size", int64_t{300}}});
  }
  check("scatter_add", {Array(DType::I32, {9}), extremes(DType::F32, {9, 5}, 2)}, {{"axis", 0}, {"size", int64_t{3}}});
  // More tiles and destinations than a block sorts and a digit holds.
  check("scatter_add", {index(DType::I64, {4500}, 70000, 1), some(DType::F32, {4500}, 2)},
        {{"axis", 0}, {"size", int64_t{70000}}});
  check("scatter_add", {index(DType::I64, {300}, 7, 1), some(DType::BF16, {300, 33}, 2)},
        {{"axis", 0}, {"size", int64_t{7}}});
}

void test_put_along_axis() {
  std::mt19937 random(14);
  for (const std::string op : {"put_along_axis", "put_along_axis_max"}) {
    for (const DType dtype : kNumbers) {
      for (const int axis : {0, 1, 2}) {
        const Shape shape{4, 5, 6};
        const Array at = index(DType::I64, shape, 7, 15), updates = some(dtype, shape, 16);
        check(op, {at, updates}, {{"axis", axis}, {"size", int64_t{7}}});
        check(op, {at.laid_out_at_random(random), updates.laid_out_at_random(random)},
              {{"axis", axis}, {"size", int64_t{7}}});
      }
      check(op, {index(DType::I32, {3, 1}, 70, 4), some(dtype, {3, 1}, 2)}, {{"axis", 1}, {"size", int64_t{70}}});
      check(op, {index(DType::I32, {2, 90}, 5, 4), some(dtype, {2, 90}, 2)}, {{"axis", 1}, {"size", int64_t{5}}});
      check(op, {Array(DType::I32, {3, 0}), Array(dtype, {3, 0})}, {{"axis", 1}, {"size", int64_t{5}}});
    }
    for (const DType dtype : {DType::F32, DType::F16}) {
      check(op, {index(DType::I32, {3, 40}, 5, 4), extremes(dtype, {3, 40}, 2)}, {{"axis", 1}, {"size", int64_t{5}}});
      check(op, {index(DType::I32, {30, 4}, 5, 4), extremes(dtype, {30, 4}, 2)}, {{"axis", 1}, {"size", int64_t{5}}});
    }
    check(op, {index(DType::I64, {2600}, 300, 1), some(DType::F32, {2600}, 2)}, {{"axis", 0}, {"size", int64_t{300}}});
  }
}

void test_put_rows() {
  for (const DType dtype : {DType::Bool, DType::BF16, DType::F32, DType::F64}) {
    for (const int64_t width : {1, 3, 16, 40}) {
      check("put_rows", {some(dtype, {12, width}, 1), index(DType::I64, {5}, 12, 2), some(dtype, {5, width}, 3)});
      // Several for one row: the last one counts.
      check("put_rows", {some(dtype, {4, width}, 1), index(DType::I32, {60}, 4, 2), some(dtype, {60, width}, 3)});
    }
    check("put_rows", {some(dtype, {4, 3}, 1), Array(DType::I32, {0}), Array(dtype, {0, 3})});
  }
}

}  // namespace

int main() {
  test_take();
  test_indices_out_of_range();
  test_check_index();
  test_check_true();
  test_take_along_axis();
  test_scatter_add();
  test_put_along_axis();
  test_put_rows();
  return pt::check::finish();
}
